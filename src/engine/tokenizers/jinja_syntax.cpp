#include "engine/tokenizers/jinja_syntax.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "engine/tokenizers/jinja_tokens.h"

namespace imagined::engine::jinja {
namespace {

using Kind = Expression::Kind;

// What writes and frees a template follows it down, so that neither may be deep.
constexpr int kMaxDepth = 60;    // of brackets and statements in each other
constexpr int kMaxHeight = 200;  // of an expression, which operators in a row make higher, too

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  Result<std::vector<Statement>> run() {
    std::vector<Statement> body = TRY(read_body({}));
    if (here().kind != Token::Kind::end)
      return refuse(here().line, fmt::format("{} without its beginning", shown(tokens_[at_ + 1])),
                    ErrorCode::invalid_argument);
    return body;
  }

 private:
  using Words = std::initializer_list<std::string_view>;

  const Token& here() const { return tokens_[at_]; }
  static std::string shown(const Token& token) {
    return token.kind == Token::Kind::end ? "the end" : fmt::format("\"{}\"", token.text);
  }
  bool is_sign(std::string_view sign) const {
    return here().kind == Token::Kind::sign && here().text == sign;
  }
  bool is_word(std::string_view word) const {
    return here().kind == Token::Kind::name && here().text == word;
  }
  bool skip_sign(std::string_view sign) { return is_sign(sign) && ++at_ > 0; }
  bool skip_word(std::string_view word) { return is_word(word) && ++at_ > 0; }
  Result<> expect_sign(std::string_view sign) {
    if (skip_sign(sign)) return {};
    return unexpected(fmt::format("\"{}\"", sign));
  }
  Result<> expect(Token::Kind kind, std::string_view what) {
    if (here().kind != kind) return unexpected(what);
    ++at_;
    return {};
  }
  Result<std::string> read_name() {
    if (here().kind != Token::Kind::name) return unexpected("a name");
    return tokens_[at_++].text;
  }
  tl::unexpected<Error> unexpected(std::string_view wanted) const {
    return refuse(here().line, fmt::format("{} where {} is needed", shown(here()), wanted),
                  ErrorCode::invalid_argument);
  }

  /// Counts how deep the parser is in itself.
  struct Level {
    explicit Level(int& level) : depth(level) { ++depth; }
    ~Level() { --depth; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    int& depth;
  };
  Result<> check_depth() const {
    if (depth_ <= kMaxDepth && highest_ <= kMaxHeight) return {};
    return refuse(here().line, "nested too deep", ErrorCode::invalid_argument);
  }

  // Statements.

  bool at_tag(Words words) const {
    if (here().kind != Token::Kind::tag_begin) return false;
    return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
      return tokens_[at_ + 1].kind == Token::Kind::name && tokens_[at_ + 1].text == word;
    });
  }

  Result<> end_of_tag() { return expect(Token::Kind::tag_end, "the end of the tag"); }
  Result<> end_tag(std::string_view word) {
    if (!at_tag({word})) return unexpected(fmt::format("{{% {} %}}", word));
    at_ += 2;
    return end_of_tag();
  }

  /// Up to one of the tags, or to the end where there is none.
  Result<std::vector<Statement>> read_body(Words ends) {
    const Level level(depth_);
    TRY(check_depth());
    std::vector<Statement> body;
    while (here().kind != Token::Kind::end && !at_tag(ends)) {
      if (ends.size() == 0 &&
          at_tag({"elif", "else", "endif", "endfor", "endset", "endmacro", "endgeneration"}))
        break;
      TRY(read_statement(body));
    }
    return body;
  }

  Result<> read_statement(std::vector<Statement>& body) {
    Statement statement;
    statement.line = here().line;
    if (here().kind == Token::Kind::text) {
      statement.text = tokens_[at_++].text;
    } else if (here().kind == Token::Kind::output_begin) {
      ++at_;
      statement.kind = Statement::Kind::output;
      statement.expression = TRY(read_expression());
      TRY(expect(Token::Kind::output_end, "the end of the expression"));
    } else {
      TRY(expect(Token::Kind::tag_begin, "a tag"));
      const std::string word = TRY(read_name());
      if (word == "generation") {  // marks what the assistant says; writes nothing itself
        TRY(end_of_tag());
        for (Statement& inner : TRY(read_body({"endgeneration"}))) body.push_back(std::move(inner));
        return end_tag("endgeneration");
      }
      TRY(read_tag(word, statement));
    }
    body.push_back(std::move(statement));
    return {};
  }

  Result<> read_tag(const std::string& word, Statement& statement) {
    if (word == "if") return read_branch(statement);
    if (word == "for") return read_loop(statement);
    if (word == "set") return read_set(statement);
    if (word == "macro") return read_macro(statement);
    if (word == "break" || word == "continue") {
      statement.kind = word == "break" ? Statement::Kind::leave : Statement::Kind::next;
      return end_of_tag();
    }
    return refuse(statement.line, fmt::format("{{% {} %}} is not known here", word));
  }

  Result<> read_branch(Statement& statement) {
    statement.kind = Statement::Kind::branch;
    statement.expression = TRY(read_either());
    TRY(end_of_tag());
    statement.body = TRY(read_body({"elif", "else", "endif"}));
    if (at_tag({"elif"})) {
      const Level level(depth_);
      TRY(check_depth());
      Statement inner;
      inner.line = here().line;
      at_ += 2;
      TRY(read_branch(inner));  // takes the end tag, too
      statement.otherwise.push_back(std::move(inner));
      return {};
    }
    if (at_tag({"else"})) {
      TRY(end_tag("else"));
      statement.otherwise = TRY(read_body({"endif"}));
    }
    return end_tag("endif");
  }

  Result<> read_loop(Statement& statement) {
    statement.kind = Statement::Kind::loop;
    do statement.names.push_back(TRY(read_name()));
    while (skip_sign(","));
    if (!skip_word("in")) return unexpected("\"in\"");
    statement.expression = TRY(read_either());
    if (skip_word("if")) statement.filter = TRY(read_expression());
    if (is_word("recursive")) return refuse(here().line, "a recursive loop is not known here");
    TRY(end_of_tag());
    statement.body = TRY(read_body({"else", "endfor"}));
    if (at_tag({"else"})) {
      TRY(end_tag("else"));
      statement.otherwise = TRY(read_body({"endfor"}));
    }
    return end_tag("endfor");
  }

  Result<> read_set(Statement& statement) {
    statement.names.push_back(TRY(read_name()));
    if (skip_sign(".")) statement.names.push_back(TRY(read_name()));
    if (skip_sign("=")) {
      statement.kind = Statement::Kind::set;
      statement.expression = TRY(read_expression());
      return end_of_tag();
    }
    if (is_sign(",") || is_sign("|"))
      return refuse(here().line, "this {% set %} is not known here");
    statement.kind = Statement::Kind::capture;
    TRY(end_of_tag());
    statement.body = TRY(read_body({"endset"}));
    return end_tag("endset");
  }

  Result<> read_macro(Statement& statement) {
    statement.kind = Statement::Kind::macro;
    statement.names.push_back(TRY(read_name()));
    TRY(expect_sign("("));
    while (!is_sign(")")) {
      std::string name = TRY(read_name());
      Expression value;
      if (skip_sign("=")) value = TRY(read_expression());
      statement.parameters.emplace_back(std::move(name), std::move(value));
      if (!skip_sign(",")) break;
    }
    TRY(expect_sign(")"));
    TRY(end_of_tag());
    statement.body = TRY(read_body({"endmacro"}));
    return end_tag("endmacro");
  }

  // Expressions, the loosest first.

  Expression make(Kind kind, std::string text = {}) const {
    Expression made;
    made.kind = kind;
    made.line = here().line;
    made.text = std::move(text);
    return made;
  }

  void adopt(Expression& parent, Expression part) {
    parent.height = std::max(parent.height, part.height + 1);
    highest_ = std::max(highest_, parent.height);
    parent.parts.push_back(std::move(part));
  }

  Expression join(Expression made, Expression left, Expression right) {
    adopt(made, std::move(left));
    adopt(made, std::move(right));
    return made;
  }

  Result<Expression> read_expression() {
    const Level level(depth_);
    TRY(check_depth());
    Expression value = TRY(read_either());
    while (is_word("if")) {
      TRY(check_depth());
      Expression made = make(Kind::choice);
      ++at_;
      Expression condition = TRY(read_either());
      Expression otherwise;
      if (skip_word("else")) otherwise = TRY(read_expression());
      made = join(std::move(made), std::move(condition), std::move(value));
      adopt(made, std::move(otherwise));
      value = std::move(made);
    }
    return value;
  }

  /// `or`, and all that binds more tightly.
  Result<Expression> read_either() {
    Expression left = TRY(read_both());
    while (is_word("or")) {
      TRY(check_depth());
      Expression made = make(Kind::binary, "or");
      ++at_;
      Expression right = TRY(read_both());
      left = join(std::move(made), std::move(left), std::move(right));
    }
    return left;
  }

  Result<Expression> read_both() {
    Expression left = TRY(read_negation());
    while (is_word("and")) {
      TRY(check_depth());
      Expression made = make(Kind::binary, "and");
      ++at_;
      Expression right = TRY(read_negation());
      left = join(std::move(made), std::move(left), std::move(right));
    }
    return left;
  }

  Result<Expression> read_negation() {
    if (!is_word("not")) return read_comparison();
    const Level level(depth_);
    TRY(check_depth());
    Expression made = make(Kind::unary, "not");
    ++at_;
    adopt(made, TRY(read_negation()));
    return made;
  }

  /// The comparison that stands here, taken; empty when there is none.
  std::string comparison() {
    for (const std::string_view sign : {"==", "!=", "<=", ">=", "<", ">"})
      if (skip_sign(sign)) return std::string(sign);
    if (skip_word("in")) return "in";
    if (is_word("not") && tokens_[at_ + 1].kind == Token::Kind::name &&
        tokens_[at_ + 1].text == "in") {
      at_ += 2;
      return "not in";
    }
    return {};
  }

  Result<Expression> read_comparison() {
    Expression left = TRY(read_signs(0));
    Expression made = make(Kind::binary);
    made.text = comparison();
    if (made.text.empty()) return left;
    Expression right = TRY(read_signs(0));
    made = join(std::move(made), std::move(left), std::move(right));
    const int line = here().line;
    if (!comparison().empty()) return refuse(line, "a chain of comparisons is not known here");
    return made;
  }

  /// Operators with a left and a right side, by how tightly they bind.
  Result<Expression> read_signs(std::size_t level) {
    static constexpr std::array<std::array<std::string_view, 4>, 3> kLevels = {
        {{"+", "-"}, {"~"}, {"*", "/", "//", "%"}}};
    if (level == kLevels.size()) return read_unary();
    Expression left = TRY(read_signs(level + 1));
    while (true) {
      const auto sign = std::ranges::find_if(kLevels[level], [&](std::string_view candidate) {
        return !candidate.empty() && is_sign(candidate);
      });
      if (sign == kLevels[level].end()) return left;
      TRY(check_depth());
      Expression made = make(Kind::binary, std::string(*sign));
      ++at_;
      Expression right = TRY(read_signs(level + 1));
      left = join(std::move(made), std::move(left), std::move(right));
    }
  }

  Result<Expression> read_unary() {
    if (!is_sign("-") && !is_sign("+")) {
      Expression value = TRY(read_postfix());
      return read_filters(std::move(value));
    }
    const Level level(depth_);
    TRY(check_depth());
    Expression made = make(Kind::unary, here().text);
    ++at_;
    adopt(made, TRY(read_unary()));
    return made;
  }

  Result<Expression> read_postfix() {
    Expression value = TRY(read_primary());
    while (true) {
      TRY(check_depth());
      Expression made = make(Kind::attribute);
      if (skip_sign(".")) {
        made.text = TRY(read_name());
        adopt(made, std::move(value));
      } else if (skip_sign("[")) {
        made = TRY(read_subscript(std::move(made), std::move(value)));
      } else if (skip_sign("(")) {
        made.kind = Kind::call;
        adopt(made, std::move(value));
        TRY(read_arguments(made));
      } else {
        return value;
      }
      value = std::move(made);
    }
  }

  Result<Expression> read_subscript(Expression made, Expression value) {
    made.kind = Kind::item;
    adopt(made, std::move(value));
    while (made.parts.size() <= 4) {
      Expression part;
      if (!is_sign(":") && !is_sign("]")) part = TRY(read_expression());
      adopt(made, std::move(part));
      if (!skip_sign(":")) break;
      made.kind = Kind::slice;
    }
    TRY(expect_sign("]"));
    if (made.kind == Kind::slice) made.parts.resize(4);
    if (made.kind == Kind::item && made.parts[1].kind == Kind::absent)
      return unexpected("an index");
    return made;
  }

  /// Up to the closing bracket, which is taken.
  Result<> read_arguments(Expression& made) {
    while (!is_sign(")")) {
      const Token& after = tokens_[at_ + 1];
      if (here().kind == Token::Kind::name && after.kind == Token::Kind::sign &&
          after.text == "=") {
        std::string name = here().text;
        at_ += 2;
        Expression value = TRY(read_expression());
        made.height = std::max(made.height, value.height + 1);
        made.named.emplace_back(std::move(name), std::move(value));
      } else {
        adopt(made, TRY(read_expression()));
      }
      if (!skip_sign(",")) break;
    }
    return expect_sign(")");
  }

  Result<Expression> read_filters(Expression value) {
    while (true) {
      TRY(check_depth());
      Expression made = make(Kind::filter);
      bool negated = false;
      if (skip_word("is")) {
        made.kind = Kind::test;
        negated = skip_word("not");
      } else if (!skip_sign("|")) {
        return value;
      }
      made.text = TRY(read_name());
      adopt(made, std::move(value));
      if (skip_sign("("))
        TRY(read_arguments(made));
      else if (made.kind == Kind::test && starts_operand())
        adopt(made, TRY(read_postfix()));
      value = std::move(made);
      if (negated) {
        Expression outer = make(Kind::unary, "not");
        adopt(outer, std::move(value));
        value = std::move(outer);
      }
    }
  }

  /// Whether an argument of a test without brackets stands here.
  bool starts_operand() const {
    if (here().kind == Token::Kind::string || here().kind == Token::Kind::number) return true;
    if (here().kind != Token::Kind::name) return is_sign("[") || is_sign("{");
    for (const std::string_view word : {"and", "or", "not", "if", "else", "is", "in"})
      if (here().text == word) return false;
    return true;
  }

  Result<Expression> read_primary() {
    Expression made = make(Kind::literal);
    switch (here().kind) {
      case Token::Kind::string:
        while (here().kind == Token::Kind::string) made.text += tokens_[at_++].text;
        made.value = std::exchange(made.text, {});
        return made;
      case Token::Kind::number:
        return read_number(std::move(made));
      case Token::Kind::name:
        return read_word(std::move(made));
      default:
        break;
    }
    if (skip_sign("(")) {
      made = TRY(read_expression());
      if (!is_sign(",")) {
        TRY(expect_sign(")"));
        return made;
      }
      Expression tuple = make(Kind::list);
      adopt(tuple, std::move(made));
      while (skip_sign(",") && !is_sign(")")) adopt(tuple, TRY(read_expression()));
      TRY(expect_sign(")"));
      return tuple;
    }
    if (skip_sign("[")) {
      made.kind = Kind::list;
      while (!is_sign("]")) {
        adopt(made, TRY(read_expression()));
        if (!skip_sign(",")) break;
      }
      TRY(expect_sign("]"));
      return made;
    }
    if (skip_sign("{")) {
      made.kind = Kind::dict;
      while (!is_sign("}")) {
        adopt(made, TRY(read_expression()));
        TRY(expect_sign(":"));
        adopt(made, TRY(read_expression()));
        if (!skip_sign(",")) break;
      }
      TRY(expect_sign("}"));
      return made;
    }
    return unexpected("an expression");
  }

  Result<Expression> read_number(Expression made) {
    const std::string& digits = here().text;
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc())
      return refuse(here().line, "a number that is too large", ErrorCode::invalid_argument);
    made.value = value;
    ++at_;
    return made;
  }

  Result<Expression> read_word(Expression made) {
    const std::string& word = tokens_[at_++].text;
    if (word == "true" || word == "True") {
      made.value = true;
    } else if (word == "false" || word == "False") {
      made.value = false;
    } else if (word == "none" || word == "None") {
      made.value = nullptr;
    } else {
      made.kind = Kind::name;
      made.text = word;
    }
    return made;
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
  int highest_ = 0;
};

}  // namespace

tl::unexpected<Error> refuse(int line, std::string_view what, ErrorCode code) {
  return fail(code, fmt::format("line {}: {}", line, what));
}

Result<std::vector<Statement>> parse(std::string_view text) {
  if (text.size() > kMaxTemplateBytes)
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} bytes, {} allowed", text.size(), kMaxTemplateBytes));
  return Parser(TRY(tokens_of(text))).run();
}

}  // namespace imagined::engine::jinja
