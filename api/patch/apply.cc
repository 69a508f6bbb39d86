#include "api/patch/apply.h"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/encoded.h"
#include "api/errors.h"
#include "api/json_member.h"
#include "api/json_text.h"
#include "api/kinds.h"
#include "api/patch/last_applied.h"
#include "api/patch/owners.h"
#include "api/patch/patch_text.h"
#include "api/patch/typed.h"
#include "api/patch/unstructured.h"
#include "api/structural/structural.h"
#include "api/times.h"
#include "api/value.h"
#include "base/assert.h"

namespace ph::api {

using Json = nlohmann::json;
using meta::v1::ManagedFieldsEntry;

namespace {

// Whose are the fields of an object that nobody recorded.
constexpr const char* kBeforeFirstApply = "before-first-apply";

// What the server gives an object, and what names it: owned by nobody.
const FieldSet& kept_by_server() {
  static const FieldSet out = FieldSet::from_fields_v1(
      R"({"f:metadata":{".":{},"f:name":{},"f:namespace":{},"f:creationTimestamp":{},"f:selfLink":{},"f:uid":{},)"
      R"("f:clusterName":{},"f:generation":{},"f:managedFields":{},"f:resourceVersion":{}}})");
  return out;
}

// -- Words

std::string kind_text(const std::string& api_version, const std::string& kind) {
  const bool grouped = api_version.find('/') != api_version.npos;
  return fmt::format("{}{}, Kind={}", grouped ? "" : "/", api_version, kind);
}

// default/web; apps/v1, Kind=Deployment
std::string object_text(const Json& config) {
  return fmt::format("{}/{}; {}", document_text(config, "metadata.namespace"), document_text(config, "metadata.name"),
                     kind_text(document_text(config, "apiVersion"), document_text(config, "kind")));
}

std::string in_quotes(std::string_view text) {
  std::string out;
  append_json_string(text, out);
  return out;
}

std::string manager_text(const ManagedFieldsEntry& who) {
  std::string out = in_quotes(who.manager());
  if (!who.subresource().empty()) out += " with subresource " + in_quotes(who.subresource());
  if (who.operation() == "Update") out += " using " + who.api_version();
  return out;
}

// -- Conflicts

std::string conflicts_text(const Owners& conflicts, std::size_t count) {
  if (count == 1) {
    const Owner& only = conflicts.front();
    return fmt::format("Apply failed with 1 conflict: conflict with {}: {}", manager_text(only.entry),
                       path_text(only.fields.paths().front()));
  }
  std::string out = fmt::format("Apply failed with {} conflicts: ", count);
  const char* before = "";
  for (const Owner& owner : conflicts) {
    out += fmt::format("{}conflicts with {}:", std::exchange(before, "\n"), manager_text(owner.entry));
    for (const FieldPath& path : owner.fields.paths()) out += "\n- " + path_text(path);
  }
  return out;
}

ApiError conflict_error(Owners conflicts) {
  std::ranges::sort(conflicts, {}, [](const Owner& owner) {
    const ManagedFieldsEntry& e = owner.entry;
    return std::tuple(e.manager(), e.operation(), e.api_version(), e.subresource());
  });
  meta::v1::Status status;
  status.set_status("Failure");
  status.set_code(409);
  status.set_reason("Conflict");
  for (const Owner& owner : conflicts) {
    for (const FieldPath& path : owner.fields.paths()) {
      auto& cause = *status.mutable_details()->add_causes();
      cause.set_reason("FieldManagerConflict");
      cause.set_message("conflict with " + manager_text(owner.entry));
      cause.set_field(path_text(path));
    }
  }
  status.set_message(conflicts_text(conflicts, static_cast<std::size_t>(status.details().causes_size())));
  return ApiError(std::move(status));
}

// -- The work

// An object of some version, as a document; what it is stands in the schema alone.
struct Shown {
  const Schema* schema;
  Json document;
  Literal literal() const { return {*schema, document}; }
  std::string api_version() const { return schema->kind ? schema->kind->api_version() : std::string(); }
};

Shown shown_as(const Object& object) {
  Json document = to_json(object);
  document.erase("apiVersion");
  document.erase("kind");
  return {&object.schema(), std::move(document)};
}

// What an attempt comes to; with conflicts nothing else of it matters.
struct Attempt {
  Json document;
  Owners owners;
  Owners conflicts;
};

class Applying {
 public:
  Applying(const Schema& schema, const Object* live, const Application& application, const AsVersion& as_version, Time now)
      : schema_(schema),
        live_(live),
        application_(application),
        config_(*application.config),
        as_version_(as_version),
        now_(now),
        who_(entry_of({application.manager, "Apply", application.subresource}, schema)) {
    make_whole(config_);
    check_config();
    Object bare = live ? live->clone() : Object::make(schema);
    owners_ = read_owners(bare.metadata().managed_fields()).value_or(Owners());
    renew_owners(owners_, schema);
    if (live && owners_.empty()) owners_ = owners_before(bare);
    bare.mutable_metadata().clear_managed_fields();
    old_ = shown_as(bare);
    if (const std::string why = typed_error(old_.literal(), Repeats::Allowed); !why.empty()) {
      throw unforeseen(fmt::format("failed to create typed live object ({}): {}", object_text(config_), why));
    }
  }

  Object run() {
    Attempt attempt = make(application_.force);
    if (!attempt.conflicts.empty()) {
      // What kubectl had applied in its old way it may take over.
      if (application_.manager == kKubectl && live_) {
        const FieldSet allowed = last_applied_fields(*live_, old_.literal());
        for (Owner& owner : attempt.conflicts) owner.fields.remove(allowed);
        drop_empty(attempt.conflicts);
      }
      if (!attempt.conflicts.empty()) throw conflict_error(std::move(attempt.conflicts));
      attempt = make(true);
    }
    return finish(std::move(attempt));
  }

 private:
  void check_config() const {
    const std::string version = document_text(config_, "apiVersion"), kind = document_text(config_, "kind");
    if (!schema_.kind || version != schema_.kind->api_version() || kind != schema_.kind->kind) {
      throw bad_request("invalid object type: " + kind_text(version, kind));
    }
    const Json* managed = document_at(config_, "metadata.managedFields");
    if (managed && managed->is_array()) throw bad_request("metadata.managedFields must be nil");
    if (const std::string why = typed_error(Literal(schema_, config_), Repeats::Refused); !why.empty()) {
      throw unforeseen(fmt::format("failed to create typed patch object ({}): {}", object_text(config_), why));
    }
  }

  Owners owners_before(const Object& object) const {
    Object recorded = object.clone();
    record_update(recorded, nullptr, {kBeforeFirstApply, "Update", application_.subresource}, now_);
    Owners out = read_owners(recorded.metadata().managed_fields()).value_or(Owners());
    for (Owner& owner : out) owner.fields = owner.fields.without_below(application_.reset);
    drop_empty(out);
    return out;
  }

  Attempt make(bool force) const {
    Attempt out{.document = {}, .owners = owners_, .conflicts = {}};
    Owner last{.entry = who_, .fields = {}};
    if (const Owner* found = find_owner(out.owners, who_)) {
      last = {found->entry, found->fields.without_below(application_.reset)};
    }
    const Literal config(schema_, config_);
    Owner& own = owner_for(out.owners, who_);
    own.entry.set_api_version(who_.api_version());
    own.fields = said_by(config).without_below(application_.reset);

    out.document = pruned(merged(old_.literal(), config), out.owners, last);
    out.conflicts = take_from_others(out);
    if (force) out.conflicts.clear();
    owner_for(out.owners, who_).fields.remove(kept_by_server());
    return out;
  }

  // The object in another version. Nothing when there is none.
  std::optional<Shown> as(const Shown& shown, const std::string& version) const {
    if (shown.api_version() == version) return shown;
    const Object other = as_version_(object_of(shown), version);
    if (!other) return std::nullopt;
    return shown_as(other);
  }

  Object object_of(const Shown& shown) const {
    try {
      return object_of_document(*shown.schema, shown.document);
    } catch (const DecodeError& error) {
      const std::string why = unstructured_error(*shown.schema, shown.document);
      const std::string kind = kind_text(shown.api_version(), shown.schema->kind ? shown.schema->kind->kind : "");
      throw unforeseen(
          fmt::format("failed to convert new object ({}) to proper version: unable to convert unstructured object to "
                      "{}: {}",
                      object_text(config_), kind, why.empty() ? std::string(error.what()) : why));
    }
  }

  // -- What this manager applied before and does not any more

  // Without what nobody owns now, and what has gone with it.
  Json pruned(Json document, const Owners& owners, const Owner& last) const {
    if (last.fields.empty()) return document;
    const Shown with{&schema_, std::move(document)};
    const auto at_last = as(with, last.entry.api_version());
    if (!at_last) return with.document;
    const FieldSet wanted = with_parents(*at_last->schema, last.fields);
    Shown rest = without(*at_last, wanted);
    rest = with_owned(*at_last, std::move(rest), owners);
    // What the server had filled in is nobody's either: it stays, unless it was within what goes.
    const auto left = as(rest, last.entry.api_version());
    if (!left) return with.document;
    const Shown out = without(*at_last, all_of(*at_last).without(all_of(*left)).intersected(wanted));
    const auto back = as(out, with.api_version());
    return back ? back->document : with.document;
  }

  static FieldSet all_of(const Shown& shown) { return with_parents(*shown.schema, said_by(shown.literal())); }

  static Shown without(const Shown& shown, const FieldSet& fields) {
    return {shown.schema, without_fields(shown.literal(), fields)};
  }

  // `rest` with everything of `all` that belongs to somebody, version by version; its own first, that nothing needed for the
  // others is missing.
  Shown with_owned(const Shown& all, Shown rest, const Owners& owners) const {
    std::map<std::string, FieldSet> owned;
    for (const Owner& owner : owners) owned[owner.entry.api_version()].add(owner.fields);
    const std::string first = all.api_version();
    Shown whole = all;
    const auto add_back = [&](const std::string& version, const FieldSet& fields) {
      auto some = as(rest, version), every = as(whole, version);
      if (!some || !every) return;
      FieldSet stays = all_of(*some);
      stays.add(with_parents(*every->schema, fields));
      rest = without(*every, all_of(*every).without(stays));
      whole = std::move(*every);
    };
    if (const auto found = owned.find(first); found != owned.end()) add_back(first, found->second);
    for (const auto& [version, fields] : owned) {
      if (version != first) add_back(version, fields);
    }
    return rest;
  }

  // -- What the others lose

  FieldChanges changes_at(const Shown& old, const Shown& now) const {
    FieldChanges out = compare_fields(old.literal(), now.literal());
    for (FieldSet* part : {&out.added, &out.modified, &out.removed}) *part = part->without_below(application_.reset);
    return out;
  }

  // Takes what is changed and removed from the other owners; the former are the conflicts.
  Owners take_from_others(Attempt& attempt) const {
    const Shown now{&schema_, attempt.document};
    std::map<std::string, std::optional<FieldChanges>> changes;
    Owners conflicts;
    for (Owner& owner : attempt.owners) {
      if (is_same_manager(owner.entry, who_)) continue;
      const auto [at, is_new] = changes.try_emplace(owner.entry.api_version());
      if (is_new) {
        const auto old_there = as(old_, at->first), now_there = as(now, at->first);
        if (old_there && now_there) at->second = changes_at(*old_there, *now_there);
      }
      if (!at->second) {
        owner.fields = {};  // of a version that is no more
        continue;
      }
      FieldSet taken = owner.fields.intersected(at->second->modified.united(at->second->added));
      owner.fields.remove(taken);
      owner.fields.remove(at->second->removed);
      if (!taken.empty()) conflicts.push_back({owner.entry, std::move(taken)});
    }
    return conflicts;
  }

  // -- The object

  Object finish(Attempt attempt) const {
    const bool changes = !live_ || attempt.document != old_.document;
    Object out = changes ? object_of({&schema_, std::move(attempt.document)}) : live_->clone();
    if (changes) default_applied(out);
    if (application_.manager == kKubectl) renew_last_applied(out, config_);
    if (changes && !is_as_before(out, attempt.owners)) set_time(owner_for(attempt.owners, who_).entry.mutable_time(), now_);
    drop_empty(attempt.owners);
    write_owners(std::move(attempt.owners), *out.mutable_metadata().mutable_managed_fields());
    return out;
  }

  void default_applied(Object& object) const {
    if (!object.message()) {
      PH_ASSERT(schema_.structural);
      schema_.structural->fill_defaults(object.members());
    } else if (application_.set_defaults) {
      application_.set_defaults(object);
    }
  }

  // Said in other words: the defaults made the same of it.
  bool is_as_before(Object& now, const Owners& owners) const {
    if (!live_) return false;
    const bool same_owners = std::ranges::all_of(owners, [&](const Owner& owner) {
      const Owner* before = find_owner(owners_, owner.entry);
      return before ? before->fields == owner.fields : owner.fields.empty();
    });
    if (!same_owners) return false;
    meta::v1::ObjectMeta& metadata = now.mutable_metadata();
    *metadata.mutable_managed_fields() = live_->metadata().managed_fields();
    if (!metadata.has_creation_timestamp()) *metadata.mutable_creation_timestamp() = live_->metadata().creation_timestamp();
    return Value::equal(std::as_const(now).value(), live_->value());
  }

  const Schema& schema_;
  const Object* live_;
  const Application& application_;
  Json config_;
  const AsVersion& as_version_;
  Time now_;
  ManagedFieldsEntry who_;
  Owners owners_;
  Shown old_{};
};

}  // namespace

Object apply(const Schema& schema, const Object* live, const Application& application, const AsVersion& as_version, Time now) {
  return Applying(schema, live, application, as_version, now).run();
}

}  // namespace ph::api
