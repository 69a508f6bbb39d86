#include "apiserver/rest/patching.h"

#include <algorithm>
#include <iterator>

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "api/encoded.h"
#include "api/errors.h"
#include "api/json_text.h"
#include "api/patch/patch.h"
#include "api/patch/patch_text.h"
#include "api/patch/touched.h"
#include "api/patch/unstructured.h"
#include "api/rules.h"
#include "api/structural/objects.h"
#include "apiserver/rest/body.h"
#include "apiserver/rest/negotiate.h"

namespace ph::apiserver {
namespace {

// What applies a patch goes as deep as it is. The depth is that of bodies.
constexpr int kDepthMax = api::DecodeOptions().depth_max;

using nlohmann::json;

// A patch as it was read, and what is odd about it.
struct Patch {
  json document;
  std::vector<std::string> complaints;
};

// Only when upstream looks at the fields does it read a patch itself; else its library does, which says less.
std::string in_decoding(PatchType type, api::Unknown unknown, std::string_view why) {
  if (type == PatchType::Strategic) return std::string(why);
  if (unknown != api::Unknown::Ignore) return fmt::format("error decoding patch: {}", why);
  return type == PatchType::Merge ? "Invalid JSON Patch" : std::string(why);
}

void check_root(PatchType type, const json& patch) {
  if (type == PatchType::Json || patch.is_object() || patch.is_null()) return;
  throw api::DecodeError(
      fmt::format("json: cannot unmarshal {} into Go value of type map[string]interface {{}}", api::json_type_name(patch)));
}

Patch read_patch(PatchType type, const std::string& text, api::Unknown unknown) {
  try {
    if (const std::string why = api::json_syntax_error(text, kDepthMax); !why.empty()) throw api::DecodeError(why);
    api::PatchText read = api::parse_patch(text);
    check_root(type, read.document);
    std::vector<std::string> complaints = std::move(read.duplicates);
    if (type == PatchType::Strategic) api::make_whole(read.document);
    if (type == PatchType::Json && unknown != api::Unknown::Ignore) {
      for (std::string& one : api::check_json_patch(read.document)) complaints.push_back(std::move(one));
      for (std::string& one : complaints) one.insert(0, "json patch ");
    }
    return {std::move(read.document), std::move(complaints)};
  } catch (const api::DecodeError& error) {
    throw api::bad_request(in_decoding(type, unknown, error.what()));
  } catch (const json::exception& error) {
    throw api::bad_request(in_decoding(type, unknown, error.what()));
  }
}

json patched(PatchType type, const api::Schema& schema, json document, json patch) {
  switch (type) {
    case PatchType::Json: return api::json_patch(std::move(document), std::move(patch));
    case PatchType::Merge: return api::merge_patch(std::move(document), patch);
    case PatchType::Strategic:
      if (patch.is_null()) return document;
      return api::strategic_merge_patch(schema, std::move(document), std::move(patch));
  }
  return document;
}

// What upstream says when a well-formed patch cannot be carried out on this object: nothing.
api::ApiError unfit() {
  meta::v1::Status status;
  status.set_status("Failure");
  status.set_code(422);
  status.set_reason("Invalid");
  status.set_message("the server rejected our request due to an error in our request");
  status.mutable_details();
  return api::ApiError(std::move(status));
}

// What a patch makes of an object is no object.
class Result {
 public:
  Result(PatchType type, const json& document, const std::string& text) : type_(type), document_(document), text_(text) {}

  [[noreturn]] void refuse(std::string_view why) const {
    api::Errors errors;
    errors.invalid_text(api::Path("patch"), shown(), why);
    throw api::invalid("", "", errors.list());
  }

  api::Object read(const api::Schema& schema, std::vector<std::string>& complaints) const {
    if (type_ != PatchType::Strategic) {
      if (const std::string why = kind_error(document_, schema); !why.empty()) refuse(why);
    }
    api::Object object = make_object(schema);
    api::DecodeOptions options;
    options.unknown = api::Unknown::Warn;
    options.warnings = &complaints;
    try {
      if (object.message()) {
        api::from_json(document_, *object.message(), options);
      } else {
        object = api::structural::read_object(schema, document_, options);
      }
    } catch (const api::DecodeError& error) {
      const std::string why = type_ == PatchType::Strategic ? api::unstructured_error(schema, document_) : "";
      refuse(why.empty() ? error.what() : std::string_view(why));
    }
    note_emptied_managers(document_, object);
    return object;
  }

 private:
  // Upstream shows what it has at hand: the patched object, or the patch.
  std::string shown() const {
    if (type_ != PatchType::Strategic) return document_.dump(-1, ' ', false, json::error_handler_t::replace);
    return api::go_text(api::parse_patch(text_).document);
  }

  PatchType type_;
  const json& document_;
  const std::string& text_;
};

}  // namespace

namespace {

api::ApiError unknown_type() {
  meta::v1::Status status = api::unsupported_media_type("415: Unsupported Media Type").status();
  status.mutable_details();
  return api::ApiError(std::move(status));
}

}  // namespace

PatchType patch_type(const HttpRequest& request) {
  const std::string type = media_type(request.headers.get("Content-Type"));
  if (type == "application/json-patch+json") return PatchType::Json;
  if (type == "application/merge-patch+json") return PatchType::Merge;
  if (type == "application/strategic-merge-patch+json") return PatchType::Strategic;
  throw unknown_type();
}

api::Object apply_patch(PatchType type, const std::string& text, const api::Object& object, api::Unknown unknown,
                        std::vector<std::string>& warnings) {
  const api::Schema& schema = object.schema();
  if (type == PatchType::Strategic && !object.message()) throw unknown_type();
  Patch patch = read_patch(type, text, unknown);
  const api::Touched touched = type == PatchType::Json ? api::Touched() : api::Touched(schema, patch.document);
  api::Object result = object.clone();
  api::Object part = make_object(schema);
  touched.move(result, part);

  json document;
  try {
    document = patched(type, schema, api::to_json(part), std::move(patch.document));
  } catch (const api::ApplyError&) {
    throw unfit();
  } catch (const api::MergeError& error) {
    throw api::unforeseen(error.what());
  } catch (const api::DecodeError& error) {
    throw api::bad_request(error.what());
  }
  const Result outcome(type, document, text);
  api::Object changed = outcome.read(schema, patch.complaints);
  touched.move(changed, result);
  if (unknown == api::Unknown::Warn) std::ranges::move(patch.complaints, std::back_inserter(warnings));
  if (unknown == api::Unknown::Strict && !patch.complaints.empty()) {
    outcome.refuse(fmt::format("strict decoding error: {}", fmt::join(patch.complaints, ", ")));
  }
  set_defaults(result);
  return result;
}

}  // namespace ph::apiserver
