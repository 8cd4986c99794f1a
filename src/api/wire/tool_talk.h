// A conversation with a model that talks and is given tools that make pictures: what it is asked in
// each round, and what its calls want.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/wire/conversation.h"
#include "api/wire/image_request.h"
#include "api/wire/talk_turn.h"
#include "base/result.h"
#include "service/catalogue/catalogue.h"

namespace imagined::api::wire {

/// Whether a body asks for xAI's image tool. Looks no closer at bodies without its name.
bool wants_image_tool(std::string_view body);
/// The model that its image tool names; none: there is no such tool, or it names none.
Result<std::optional<std::string>> image_tool_model(std::string_view body);

/// Whether a call is of a tool of ours.
bool is_image_call(const ToolCall& call);

/// What a call wants to have made.
struct WantedPictures {
  GenerationCall fields;
  std::vector<SaidPicture> references;
};

/// Who makes the pictures of a conversation.
struct PictureMaker {
  const service::Catalogue& catalogue;
  std::string model;  // an id of it
  bool takes_references = true;
};

class ToolTalk {
 public:
  /// The body of either API. Every picture that the user gives is known as "image_1", "image_2",
  /// ...; earlier ones that were made here by what they are called ("ig_..._0"). What tunes a
  /// picture beside the messages is for the model that talks to say, and taken out with a warning.
  /// Errors name the field. Without a maker there are no tools for pictures.
  static Result<ToolTalk> parse(std::string_view body, ChatApi api,
                                std::optional<PictureMaker> maker);
  ~ToolTalk();
  ToolTalk(ToolTalk&&) noexcept;
  ToolTalk& operator=(ToolTalk&&) noexcept;

  bool stream() const;
  bool include_usage() const;
  /// What was asked for and is not done.
  const std::vector<std::string>& warnings() const;

  /// The body of the next round, as a stream. In the `last` one there are no pictures to be had, so
  /// that the model says something.
  std::string body(bool last) const;
  void add(const TalkTurn& turn);
  /// What has come of a call of its last turn.
  void add_result(const ToolCall& call, std::string_view text);
  /// A picture for the model to see, by its URL.
  void show(std::string_view name, std::string_view url);

  /// Of a talk with a maker. `invalid_argument` with a sentence for the model.
  Result<WantedPictures> read(const ToolCall& call) const;

 private:
  struct State;
  explicit ToolTalk(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace imagined::api::wire
