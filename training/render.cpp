// Paperland's renderer: a picture is a sky and a list of signed-distance primitives, drawn back to
// front with analytic edge coverage. Built as a shared library on first use and called through
// ctypes (renderer.py), which fills the same struct.
//
// All lengths are pixels, x runs right, y runs down, colours are linear in 0..1.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace {

enum class Shape { ellipse, box, triangle, star, heart, capsule, wave, dome };

// What `p` holds, by shape:
//   ellipse   centre x y, radius x y
//   box       centre x y, half width, half height, corner radius
//   triangle  three corners x y, rounding
//   star      centre x y, outer radius, rounding
//   heart     tip x y, scale (the heart is about 1.1 scales high)
//   capsule   end x y, end x y, radius
//   wave      level, amplitude, radians per pixel, phase: everything below the line is filled
//   dome      centre of the base x y, radius x y: the upper half of an ellipse
struct Primitive {
  float shape;
  float p[8];
  float top[3];       // colour at and above `top_row`
  float bottom[3];    // colour at and below `bottom_row`
  float top_row;
  float bottom_row;
  float softness;     // half width of a blurred edge; up to 1: a sharp anti-aliased edge
  float opacity;
};
static_assert(sizeof(Primitive) == 19 * sizeof(float));

struct Box {
  float x0, y0, x1, y1;
};

struct Point {
  float x, y;
};

constexpr int kStarCorners = 10;
constexpr float kStarInnerRadius = 0.47f;  // of the outer one
constexpr float kFar = 1e9f;

float clamp01(float v) { return std::clamp(v, 0.f, 1.f); }

float polygon_distance(Point q, const Point* corner, int count) {
  float nearest = kFar;
  bool inside = false;
  for (int i = 0, j = count - 1; i < count; j = i++) {
    const Point a = corner[i], b = corner[j];
    const float ex = b.x - a.x, ey = b.y - a.y, wx = q.x - a.x, wy = q.y - a.y;
    const float t = clamp01((wx * ex + wy * ey) / (ex * ex + ey * ey));
    const float dx = wx - ex * t, dy = wy - ey * t;
    nearest = std::min(nearest, dx * dx + dy * dy);
    const bool crosses = (a.y > q.y) != (b.y > q.y);
    if (crosses && q.x < ex * (q.y - a.y) / ey + a.x) inside = !inside;
  }
  nearest = std::sqrt(nearest);
  return inside ? -nearest : nearest;
}

float ellipse_distance(Point q, const float* p) {
  const float dx = (q.x - p[0]) / p[2], dy = (q.y - p[1]) / p[3];
  const float k = std::sqrt(dx * dx + dy * dy);
  if (k < 1e-4f) return -std::min(p[2], p[3]);
  const float gx = dx / p[2], gy = dy / p[3];
  return (k - 1.f) * k / std::sqrt(gx * gx + gy * gy);
}

float box_distance(Point q, const float* p) {
  const float dx = std::fabs(q.x - p[0]) - p[2] + p[4];
  const float dy = std::fabs(q.y - p[1]) - p[3] + p[4];
  const float ax = std::max(dx, 0.f), ay = std::max(dy, 0.f);
  return std::sqrt(ax * ax + ay * ay) + std::min(std::max(dx, dy), 0.f) - p[4];
}

// The unit heart stands on its tip at (0, 0).
float heart_distance(float u, float v) {
  u = std::fabs(u);
  if (u + v > 1.f) {
    const float a = u - 0.25f, b = v - 0.75f;
    return std::sqrt(a * a + b * b) - 0.35355339f;
  }
  const float b = v - 1.f, m = 0.5f * std::max(u + v, 0.f);
  const float to_notch = u * u + b * b, to_side = (u - m) * (u - m) + (v - m) * (v - m);
  return std::sqrt(std::min(to_notch, to_side)) * (u > v ? 1.f : -1.f);
}

float capsule_distance(Point q, const float* p) {
  const float ex = p[2] - p[0], ey = p[3] - p[1], wx = q.x - p[0], wy = q.y - p[1];
  const float t = clamp01((wx * ex + wy * ey) / (ex * ex + ey * ey + 1e-6f));
  const float dx = wx - ex * t, dy = wy - ey * t;
  return std::sqrt(dx * dx + dy * dy) - p[4];
}

float dome_distance(Point q, const float* p) {
  const float dx = (q.x - p[0]) / p[2], dy = (q.y - p[1]) / p[3];
  const float round = (std::sqrt(dx * dx + dy * dy) - 1.f) * std::min(p[2], p[3]);
  return std::max(round, q.y - p[1]);
}

// Corners of a star or a triangle, computed once per primitive.
int corners_of(Shape shape, const float* p, Point* corner) {
  if (shape == Shape::triangle) {
    for (int i = 0; i < 3; i++) corner[i] = {p[2 * i], p[2 * i + 1]};
    return 3;
  }
  if (shape != Shape::star) return 0;
  for (int i = 0; i < kStarCorners; i++) {
    const float angle = -1.5707963f + static_cast<float>(i) * 0.62831853f;
    const float radius = (i & 1) != 0 ? p[2] * kStarInnerRadius : p[2];
    corner[i] = {p[0] + radius * std::cos(angle), p[1] + radius * std::sin(angle)};
  }
  return kStarCorners;
}

// Signed distance in pixels, negative inside. Not exact everywhere, but right near the edge.
float distance(Shape shape, const float* p, const Point* corner, Point q) {
  switch (shape) {
    case Shape::ellipse: return ellipse_distance(q, p);
    case Shape::box: return box_distance(q, p);
    case Shape::triangle: return polygon_distance(q, corner, 3) - p[6];
    case Shape::star: return polygon_distance(q, corner, kStarCorners) - p[3];
    case Shape::heart: return heart_distance((q.x - p[0]) / p[2], (p[1] - q.y) / p[2]) * p[2];
    case Shape::capsule: return capsule_distance(q, p);
    case Shape::wave: return p[0] + p[1] * std::sin(q.x * p[2] + p[3]) - q.y;
    case Shape::dome: return dome_distance(q, p);
  }
  return kFar;
}

Box bounds_of(Shape shape, const float* p, Box canvas) {
  switch (shape) {
    case Shape::ellipse:
    case Shape::box: return {p[0] - p[2], p[1] - p[3], p[0] + p[2], p[1] + p[3]};
    case Shape::triangle:
      return {std::min({p[0], p[2], p[4]}) - p[6], std::min({p[1], p[3], p[5]}) - p[6],
              std::max({p[0], p[2], p[4]}) + p[6], std::max({p[1], p[3], p[5]}) + p[6]};
    case Shape::star: {
      const float reach = p[2] + p[3];
      return {p[0] - reach, p[1] - reach, p[0] + reach, p[1] + reach};
    }
    case Shape::heart:
      return {p[0] - p[2] * 0.7f, p[1] - p[2] * 1.2f, p[0] + p[2] * 0.7f, p[1]};
    case Shape::capsule:
      return {std::min(p[0], p[2]) - p[4], std::min(p[1], p[3]) - p[4],
              std::max(p[0], p[2]) + p[4], std::max(p[1], p[3]) + p[4]};
    case Shape::wave: return {canvas.x0, p[0] - p[1], canvas.x1, canvas.y1};
    case Shape::dome: return {p[0] - p[2], p[1] - p[3], p[0] + p[2], p[1]};
  }
  return canvas;
}

// Share of a pixel that lies inside, from its centre's distance.
float coverage(float d, float softness) {
  if (softness <= 1.f) return clamp01(0.5f - d);
  const float t = clamp01((softness - d) / (2.f * softness));
  return t * t * (3.f - 2.f * t);
}

void draw_primitive(const Primitive& item, int width, int height, float* image) {
  const Shape shape = static_cast<Shape>(static_cast<int>(item.shape));
  Point corner[kStarCorners];
  corners_of(shape, item.p, corner);
  const Box canvas{0, 0, static_cast<float>(width), static_cast<float>(height)};
  const Box b = bounds_of(shape, item.p, canvas);
  const float margin = std::max(item.softness, 1.f) + 1.f;
  const int x0 = std::max(0, static_cast<int>(std::floor(b.x0 - margin)));
  const int x1 = std::min(width, static_cast<int>(std::ceil(b.x1 + margin)));
  const int y0 = std::max(0, static_cast<int>(std::floor(b.y0 - margin)));
  const int y1 = std::min(height, static_cast<int>(std::ceil(b.y1 + margin)));
  const float span = std::max(item.bottom_row - item.top_row, 1e-3f);
  for (int y = y0; y < y1; y++) {
    const float row = static_cast<float>(y) + 0.5f;
    const float t = clamp01((row - item.top_row) / span);
    float colour[3];
    for (int c = 0; c < 3; c++) colour[c] = item.top[c] * (1 - t) + item.bottom[c] * t;
    float* out = image + (static_cast<size_t>(y) * width + x0) * 3;
    for (int x = x0; x < x1; x++, out += 3) {
      const float d = distance(shape, item.p, corner, {static_cast<float>(x) + 0.5f, row});
      if (d > item.softness + 1.f) continue;
      const float alpha = coverage(d, item.softness) * item.opacity;
      for (int c = 0; c < 3; c++) out[c] += (colour[c] - out[c]) * alpha;
    }
  }
}

void draw_sky(const float* sky, int width, int height, float* out) {
  for (int y = 0; y < height; y++) {
    const float t = (static_cast<float>(y) + 0.5f) / static_cast<float>(height);
    for (int x = 0; x < width; x++, out += 3)
      for (int c = 0; c < 3; c++) out[c] = sky[c] * (1 - t) + sky[3 + c] * t;
  }
}

}  // namespace

// items: `count` primitives; sky: colour of the top and of the bottom row, 6 floats;
// out: height x width x 3 bytes.
extern "C" void paperland_render(const Primitive* items, int count, const float* sky, int width,
                                 int height, uint8_t* out) {
  std::vector<float> image(static_cast<size_t>(width) * height * 3);
  draw_sky(sky, width, height, image.data());
  for (int i = 0; i < count; i++) draw_primitive(items[i], width, height, image.data());
  for (size_t i = 0; i < image.size(); i++)
    out[i] = static_cast<uint8_t>(clamp01(image[i]) * 255.f + 0.5f);
}
