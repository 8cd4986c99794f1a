#include "api/wire/edit_request.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "api/wire/multipart.h"
#include "base/json.h"
#include "base/utf8.h"

namespace imagined::api::wire {
namespace {

using nlohmann::json;
using service::kReferencesMax;

constexpr std::string_view kPictureFields[] = {"image", "images", "reference_images"};
constexpr std::size_t kTextPartsBytesMax = 1 << 20;  // of all texts of a form

bool is_picture_field(std::string_view name) {
  return std::find(std::begin(kPictureFields), std::end(kPictureFields), name) !=
         std::end(kPictureFields);
}

tl::unexpected<Error> about(Error error, std::string_view name) {
  return tl::unexpected(service::about_picture(std::move(error), name));
}

Result<EditCall> make_call(const json& body, std::vector<GivenPicture> references,
                           std::optional<GivenPicture> mask, const service::Catalogue& catalogue) {
  if (references.empty())
    return fail(ErrorCode::invalid_argument,
                fmt::format("image: expected 1 to {} pictures, got none", kReferencesMax), "image");
  GenerationCall fields = TRY(read_edit_fields(body, catalogue));
  return EditCall{std::move(fields), std::move(references), std::move(mask)};
}

class JsonEdit final : public EditBody {
 public:
  explicit JsonEdit(UploadSink& sink) : body_(sink) {}

  Result<void> feed(std::string_view bytes) override { return body_.feed(bytes); }

  Result<EditCall> finish(const service::Catalogue& catalogue) override {
    json body = TRY(body_.object());
    std::vector<GivenPicture> references;
    for (const std::string_view field : kPictureFields)
      TRY(read_pictures(take_member(body, field), field, references));
    std::vector<GivenPicture> masks;
    TRY(read_pictures(take_member(body, "mask"), "mask", masks));
    if (masks.size() > 1)
      return fail(ErrorCode::invalid_argument, "mask: expected one picture, got more", "mask");
    std::optional<GivenPicture> mask;
    if (!masks.empty()) mask = std::move(masks.front());
    return make_call(body, std::move(references), std::move(mask), catalogue);
  }

 private:
  Result<void> read_pictures(const json& value, std::string_view field,
                             std::vector<GivenPicture>& pictures) {
    if (value.is_null()) return {};
    if (!value.is_array()) return read_picture(value, field, pictures);
    for (const json& one : value) TRY(read_picture(one, field, pictures));
    return {};
  }

  Result<void> read_picture(const json& value, std::string_view field,
                            std::vector<GivenPicture>& pictures) {
    const std::string name = field == "mask" ? std::string(service::kMaskName)
                                             : service::reference_name(pictures.size());
    if (pictures.size() >= kReferencesMax) {
      pictures.emplace_back();
      return {};
    }
    auto picture = body_.read(value, field, name);
    if (!picture && picture.error().code == ErrorCode::unprocessable)
      return tl::unexpected(std::move(picture.error()));
    if (!picture) return about(std::move(picture.error()), name);
    pictures.push_back(std::move(*picture));
    return {};
  }

  JsonPictures body_;
};

/// What a part of a form is. `image[url]`, `url` and `url[]` hold a text, `image[file_id]` an id.
enum class PartKind : std::uint8_t { field, picture, mask };

PartKind kind_of(std::string_view name) {
  const std::string_view base = name.substr(0, std::min(name.find('['), name.size()));
  const bool is_picture = is_picture_field(base) || base == "url" || base == "image_url";
  if (!is_picture && base != "mask") return PartKind::field;
  return base == "mask" ? PartKind::mask : PartKind::picture;
}

/// Files of pictures in base64, by their first letters.
constexpr std::string_view kBase64Starts[] = {"iVBORw0KGgo", "/9j/", "UklGR", "R0lGOD"};
constexpr std::size_t kSniffedBytes = 11;  // enough to tell each of the above and below

/// The bytes of one part that is a picture, or a text that stands for one.
class PicturePart {
 public:
  explicit PicturePart(UploadSink& sink) : sink_(sink) {}

  Result<void> take(std::string_view bytes) {
    if (form_ != Form::unknown) return hand_on(bytes);
    start_.append(bytes);
    return start_.size() < kSniffedBytes ? Result<void>() : decide();
  }

  /// None: the part was empty.
  Result<std::optional<GivenPicture>> end() {
    if (form_ == Form::unknown && start_.empty()) return std::nullopt;
    if (form_ == Form::unknown) TRY(decide());
    if (form_ == Form::url) return GivenPicture{.url = std::move(url_)};
    std::string upload = form_ == Form::text ? TRY(text_->end()) : TRY(sink_.end());
    return GivenPicture{.upload = std::move(upload)};
  }

 private:
  enum class Form : std::uint8_t { unknown, file, text, url };

  Result<void> decide() {
    const std::string start = std::move(start_);
    const bool is_base64 = std::any_of(std::begin(kBase64Starts), std::end(kBase64Starts),
                                       [&](auto one) { return start.starts_with(one); });
    if (is_web_url(start)) {
      form_ = Form::url;
    } else if (is_base64 || start.starts_with("data:")) {
      form_ = Form::text;
      text_.emplace(sink_);
    } else {
      form_ = Form::file;
      TRY(sink_.begin());
    }
    return hand_on(start);
  }

  Result<void> hand_on(std::string_view bytes) {
    if (form_ == Form::text) return text_->take(bytes);
    if (form_ == Form::file) return sink_.upload(bytes);
    url_.append(bytes);
    if (url_.size() > kTextPartsBytesMax)
      return fail(ErrorCode::invalid_argument, "the image's URL is too long", "image");
    return {};
  }

  UploadSink& sink_;
  Form form_ = Form::unknown;
  std::string start_;
  std::string url_;
  std::optional<PictureText> text_;
};

class MultipartEdit final : public EditBody, private PartSink {
 public:
  MultipartEdit(std::string_view boundary, UploadSink& sink)
      : uploads_(sink), reader_(boundary, *this, {.body_bytes_max = kEditBodyBytesMax}) {}

  Result<void> feed(std::string_view bytes) override { return reader_.feed(bytes); }

  Result<EditCall> finish(const service::Catalogue& catalogue) override {
    TRY(reader_.finish());
    const bool named_form = fields_.contains("response_format");
    EditCall call = TRY(make_call(fields_, std::move(references_), std::move(mask_), catalogue));
    if (!named_form) call.fields.response_format = ResponseFormat::both;
    return call;
  }

 private:
  Result<void> begin_part(const PartHead& head) override {
    name_ = head.name;
    // go-openai calls every file a dot.
    is_file_ = !head.file_name.empty() && head.file_name != ".";
    kind_ = kind_of(name_);
    is_only_counted_ = kind_ == PartKind::picture && references_.size() >= kReferencesMax;
    is_empty_ = true;
    text_.clear();
    if (name_.substr(0, name_.find('[')) == "markup")  // a picture of OpenAI's edits, too
      return fail(ErrorCode::invalid_argument, "markup: not offered by this server; leave it out",
                  "markup");
    is_text_ = kind_ == PartKind::field || name_.ends_with("[file_id]");
    if (!is_text_) picture_.emplace(uploads_);
    return {};
  }

  Result<void> part_bytes(std::string_view bytes) override {
    is_empty_ = is_empty_ && bytes.empty();
    if (is_only_counted_) return {};
    if (!is_text_) return named(picture_->take(bytes));
    text_bytes_ += bytes.size();
    if (text_bytes_ > kTextPartsBytesMax)
      return fail(
          ErrorCode::payload_too_large,
          fmt::format("the body has more than {} bytes beside its pictures", kTextPartsBytesMax));
    text_.append(bytes);
    return {};
  }

  Result<void> end_part() override {
    if (kind_ == PartKind::field) return keep_field();
    if (is_only_counted_) return is_empty_ ? Result<void>() : keep_picture({});
    if (is_text_ && text_.empty()) return {};
    if (is_text_) return keep_picture({.file_id = text_});
    auto picture = picture_->end();
    if (!picture) return named(tl::unexpected(std::move(picture.error())));
    if (*picture) return keep_picture(std::move(**picture));
    if (!is_file_) return {};
    // Else a picture that was meant would be left out without a word, and paid for.
    return named(fail(ErrorCode::invalid_argument, "the image is empty"));
  }

  Result<void> keep_picture(GivenPicture picture) {
    if (kind_ == PartKind::picture) {
      references_.push_back(std::move(picture));
    } else if (mask_) {
      return fail(ErrorCode::invalid_argument, "mask: expected one picture, got more", "mask");
    } else {
      mask_ = std::move(picture);
    }
    return {};
  }

  Result<void> named(Result<void> taken) const {
    if (taken) return taken;
    return about(std::move(taken.error()), kind_ == PartKind::mask
                                               ? std::string(service::kMaskName)
                                               : service::reference_name(references_.size()));
  }

  /// Texts become what they would be in JSON: whole numbers where a number is expected, and nothing
  /// where nothing is said.
  Result<void> keep_field() {
    constexpr std::string_view kFlags[] = {"stream", "deferred"};
    constexpr std::string_view kNumbers[] = {
        "n",     "seed",     "partial_images", "output_compression",
        "steps", "guidance", "guidance_scale", "num_inference_steps"};
    if (text_.empty() || (name_ == "n" && text_ == "0")) return {};
    if (!is_utf8(text_) || !is_utf8(name_))
      return fail(ErrorCode::invalid_argument,
                  fmt::format("{}: the part is no text in UTF-8", shown(name_)), valid_utf8(name_));
    if (fields_.contains(name_))
      return fail(ErrorCode::invalid_argument,
                  fmt::format("{}: the part is given twice", shown(name_)), name_);
    const auto is_among = [&](const auto& names) {
      return std::find(std::begin(names), std::end(names), name_) != std::end(names);
    };
    if (is_among(kFlags) && (text_ == "true" || text_ == "false")) {
      fields_[name_] = text_ == "true";
    } else if (json number = is_among(kNumbers) ? json::parse(text_, nullptr, false) : json();
               number.is_number()) {
      fields_[name_] = std::move(number);
    } else {
      fields_[name_] = text_;
    }
    return {};
  }

  Uploads uploads_;
  MultipartReader reader_;
  std::string name_;  // of the part in work
  PartKind kind_ = PartKind::field;
  bool is_file_ = false;
  bool is_text_ = true;  // and no bytes of a picture
  bool is_only_counted_ = false;
  bool is_empty_ = true;
  std::string text_;
  std::size_t text_bytes_ = 0;
  std::optional<PicturePart> picture_;
  json fields_ = json::object();
  std::vector<GivenPicture> references_;
  std::optional<GivenPicture> mask_;
};

}  // namespace

std::unique_ptr<EditBody> make_json_edit(UploadSink& sink) {
  return std::make_unique<JsonEdit>(sink);
}

Result<std::unique_ptr<EditBody>> make_multipart_edit(std::string_view content_type,
                                                      UploadSink& sink) {
  const std::string boundary = TRY(multipart_boundary(content_type));
  return std::unique_ptr<EditBody>(std::make_unique<MultipartEdit>(boundary, sink));
}

}  // namespace imagined::api::wire
