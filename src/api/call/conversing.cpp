#include "api/call/conversing.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "api/call/taking.h"
#include "api/call/upload.h"
#include "api/wire/conversation_answer.h"

namespace imagined::api {
namespace {

using wire::GivenPicture;
using wire::SaidPicture;

template <class Picture>
void drop_repeated(std::vector<Picture>& pictures) {
  for (auto each = pictures.begin(); each != pictures.end();)
    each = std::find(pictures.begin(), each, *each) == each ? each + 1 : pictures.erase(each);
}

class Settling {
 public:
  Settling(const CallContext& context, const Call& call, const OwnNames& names)
      : context_(context), call_(call), names_(names) {}

  /// Those of the user as they come.
  Result<std::vector<GivenPicture>> settle(const std::vector<SaidPicture>& said) {
    std::vector<GivenPicture> given;
    for (const SaidPicture& picture : said) TRY(add(picture, given));
    return given;
  }
  /// Those of an answer, which is told more than once: as Markdown, and as an item with its base64.
  Result<std::vector<GivenPicture>> settle_once(const std::vector<SaidPicture>& said) {
    std::vector<GivenPicture> given = TRY(settle(said));
    drop_repeated(given);
    return given;
  }

 private:
  Result<void> add(const SaidPicture& picture, std::vector<GivenPicture>& given) {
    if (!picture.item.empty()) return add_made(picture.item, given);
    if (!picture.file_id.empty()) {
      given.push_back({.file_id = picture.file_id});
      return {};
    }
    if (const auto own = own_target(picture.text, names_); own && own->starts_with(kOwnPictures)) {
      // Its team needs no signature that is still good.
      std::string_view id = own->substr(kOwnPictures.size());
      id = id.substr(0, id.find_first_of(".?#"));
      given.push_back({.picture_id = std::string(id)});
      return {};
    }
    Upload upload([&] { return context_.services.intake.begin(*call_.caller); });
    auto read = wire::read_picture_text(picture.text, upload);
    if (!read)
      return tl::unexpected(
          service::about_picture(std::move(read.error()), service::reference_name(given.size())));
    given.push_back(std::move(*read));
    return {};
  }

  Result<void> add_made(const std::string& item, std::vector<GivenPicture>& given) {
    const auto unknown = [&] {
      return fail(ErrorCode::not_found, fmt::format("there is no answer {:?}", item.substr(0, 80)),
                  "previous_response_id");
    };
    const auto name = wire::parse_answer_name(item);
    if (!name) return unknown();
    const auto made = context_.services.images.finished(*call_.caller, name->job_id);
    if (!made) return unknown();
    for (const service::StoredPicture& picture : made->pictures)
      if (name->index < 0 || name->index == picture.index)
        given.push_back({.picture_id = picture.id});
    return {};
  }

  const CallContext& context_;
  const Call& call_;
  const OwnNames& names_;
};

/// How many pictures the model takes; none while nobody knows.
std::optional<std::size_t> references_max(const CallContext& context, const std::string& model) {
  const auto report = context.services.workers.report(model);
  if (!report || !report->abilities) return std::nullopt;
  return static_cast<std::size_t>(report->abilities->references_max);
}

std::string no_eyes(const CallContext& context, const std::string& model) {
  std::string who = "which this server passes on to when one is named under [upstreams.NAME]";
  if (const service::Relay* relay = context.services.relay) {
    who = "and from other servers there are ";
    for (const auto& [name, upstream] : relay->upstreams().models())
      who += (who.ends_with(' ') ? "" : ", ") + name;
  }
  return fmt::format(
      "the model \"{}\" makes pictures and cannot tell what one shows; a language model that sees "
      "can, {}",
      model, who);
}

}  // namespace

Result<std::vector<GivenPicture>> settle_pictures(const CallContext& context, const Call& call,
                                                  const std::vector<SaidPicture>& said,
                                                  const OwnNames& names) {
  return Settling(context, call, names).settle_once(said);
}

Result<Asked> settle_conversation(const CallContext& context, const Call& call,
                                  wire::Conversation conversation, const OwnNames& names) {
  const service::PictureRequest& request = conversation.fields.request;
  const auto refuse = [](std::string message) {
    return fail(ErrorCode::invalid_argument, std::move(message), "messages");
  };
  auto& earlier = conversation.earlier;
  if (earlier.empty() && !conversation.previous_response_id.empty())
    earlier.push_back({.item = conversation.previous_response_id});
  const bool shows_any = !conversation.given.empty() || !earlier.empty();
  if (shows_any && wire::asks_what_is_seen(request.prompt.text()))
    return refuse(no_eyes(context, request.model));
  Settling settling(context, call, names);
  std::vector<GivenPicture> references;
  bool is_answer = false;
  if (conversation.action != wire::ImageAction::generate) {
    if (!conversation.given.empty()) {
      references = TRY(settling.settle(conversation.given));
    } else if (const auto most = references_max(context, request.model);
               most == std::size_t{0} && !earlier.empty()) {
      conversation.fields.request.warnings.push_back(
          fmt::format("the model \"{}\" takes no pictures; those of earlier answers are not seen",
                      request.model));
    } else {
      is_answer = conversation.is_answer;
      references = TRY(is_answer ? settling.settle_once(earlier) : settling.settle(earlier));
      const std::size_t room = most.value_or(service::kReferencesMax);
      if (references.size() > room)
        references.erase(references.begin(), references.end() - static_cast<std::ptrdiff_t>(room));
    }
  }
  if (conversation.action == wire::ImageAction::edit && references.empty())
    return refuse("the action is edit, and the conversation has no picture that could be edited");
  return Asked{
      .call = {std::move(conversation.fields), std::move(references), std::nullopt},
      .of_an_answer = is_answer,
  };
}

Result<service::JobPayload> take_asked(const CallContext& context, const Call& call,
                                       const Asked& asked, const OwnNames& names) {
  if (asked.call.references.empty()) return service::JobPayload(asked.call.fields.request);
  service::EditRequest edit = TRY(take_pictures(context, call, asked.call, names));
  if (asked.of_an_answer) drop_repeated(edit.references);
  return service::JobPayload(std::move(edit));
}

}  // namespace imagined::api
