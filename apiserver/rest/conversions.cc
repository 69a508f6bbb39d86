#include "apiserver/rest/conversions.h"

#include <nlohmann/json.hpp>

#include "api/encoded.h"
#include "api/errors.h"

namespace ph::apiserver {
namespace {

// Of entries that are asked about together: a large list is several questions.
constexpr std::size_t kQuestionBytes = 2 << 20;

std::string key_of(const api::Object& object, const api::Schema& to) {
  meta::v1::ObjectMeta metadata;
  metadata.set_name(object.metadata().name());
  metadata.set_namespace_(object.metadata().namespace_());
  *metadata.mutable_labels() = object.metadata().labels();
  *metadata.mutable_annotations() = object.metadata().annotations();
  return to.kind->version + '\n' + api::encode_json(api::Object(object.schema(), std::move(metadata), object.members()));
}

EntryRef entry_of(const Entry& like, const api::Object& object) {
  auto out = std::make_shared<Entry>();
  out->key = like.key;
  out->revision = like.revision;
  out->protobuf = share(api::encode_stored(object));
  return out;
}

// However a question ends, whoever waits for its answer hears of it.
class Asking {
 public:
  Asking(ShownEntries& shared, const std::vector<EntryRef>& entries) : shared_(shared), entries_(entries) {
    shared_.ask(entries_, question_);
  }
  ~Asking() { shared_.answered(entries_, *question_, error); }
  Asking(const Asking&) = delete;
  Asking& operator=(const Asking&) = delete;

  std::exception_ptr error;

 private:
  ShownEntries& shared_;
  const std::vector<EntryRef>& entries_;
  const std::shared_ptr<ShownEntries::Question> question_ = std::make_shared<ShownEntries::Question>();
};

// As many of the first ones as are asked about together.
std::vector<EntryRef> take_some(std::vector<EntryRef>& entries) {
  std::size_t count = 0, bytes = 0;
  while (count < entries.size() && (count == 0 || bytes + entries[count]->protobuf->size() <= kQuestionBytes)) {
    bytes += entries[count++]->protobuf->size();
  }
  const auto end = entries.begin() + static_cast<std::ptrdiff_t>(count);
  std::vector<EntryRef> out(std::make_move_iterator(entries.begin()), std::make_move_iterator(end));
  entries.erase(entries.begin(), end);
  return out;
}

std::size_t size_of(const std::vector<EntryRef>& entries) {
  std::size_t out = 0;
  for (const EntryRef& entry : entries) out += entry->protobuf->size();
  return out;
}

Task<EntryRef> show_one(Core& core, const Call& call, EntryRef entry) {
  co_await call.conversions->show(core, *call.served, {entry}, true);
  co_return call.conversions->shown(entry);
}

}  // namespace

api::Object Conversions::convert(const api::Object& object, const api::ResourceRef& to) {
  if (here_ == nullptr) throw api::internal("objects of this kind cannot be converted here");
  const auto found = here_->objects_.find(key_of(object, *to->schema));
  if (found == here_->objects_.end()) throw Missing{std::make_shared<const api::Object>(object.clone()), to};
  api::Object out = found->second.clone();
  meta::v1::ObjectMeta metadata = object.metadata();
  *metadata.mutable_labels() = out.metadata().labels();
  *metadata.mutable_annotations() = out.metadata().annotations();
  out.mutable_metadata() = std::move(metadata);
  return out;
}

api::ApiError Conversions::not_asked() { return api::internal("an object was not converted in time"); }

api::ApiError Conversions::too_many() { return api::internal("the conversions of this request have no end"); }

// The way back is known, too: what was sent in one version is judged there as it was sent.
Task<void> Conversions::learn(Missing missing) {
  std::vector<api::Object> one;
  one.push_back(missing.object->clone());
  std::vector<api::Object> results = co_await converter_->convert(std::move(one), *missing.to->schema);
  const api::Object& result = results.front();
  remember(result, missing.object->schema(), missing.object->clone());
  remember(*missing.object, *missing.to->schema, result.clone());
}

void Conversions::remember(const api::Object& object, const api::Schema& to, api::Object result) {
  objects_.insert_or_assign(key_of(object, to), std::move(result));
}

Task<void> Conversions::show(Core& core, Served& served, std::vector<EntryRef> entries, bool anew) {
  for (;;) {
    std::vector<EntryRef> missing;
    std::shared_ptr<ShownEntries::Question> other;
    for (const EntryRef& entry : entries) {
      if (entries_.contains(entry.get())) continue;
      EntryRef shown = anew ? nullptr : served.shown_entries.find(entry);
      auto asked = anew || shown ? nullptr : served.shown_entries.asked(entry);
      if (shown) {
        entries_[entry.get()] = {entry, std::move(shown)};
      } else if (asked) {
        other = std::move(asked);
      } else {
        missing.push_back(entry);
      }
    }
    if (missing.empty() && !other) co_return;
    while (!missing.empty()) co_await ask(core, served, take_some(missing));
    if (!other) continue;
    co_await other->ended.wait();
    if (other->error) std::rethrow_exception(other->error);
  }
}

Task<void> Conversions::ask(Core& core, Served& served, std::vector<EntryRef> entries) {
  Asking asking(served.shown_entries, entries);
  const std::size_t size = size_of(entries);
  try {
    std::vector<api::Object> objects = co_await aside(core, size, [&] {
      std::vector<api::Object> out;
      for (const EntryRef& entry : entries) out.push_back(converter_->decode(*entry));
      return out;
    });
    objects = co_await converter_->convert(std::move(objects), *served.resource->schema);
    const std::vector<EntryRef> shown = co_await aside(core, size, [&] {
      std::vector<EntryRef> out;
      for (std::size_t i = 0; i < entries.size(); ++i) out.push_back(entry_of(*entries[i], objects[i]));
      return out;
    });
    for (std::size_t i = 0; i < entries.size(); ++i) {
      served.shown_entries.put(entries[i], shown[i]);
      entries_[entries[i].get()] = {entries[i], shown[i]};
    }
  } catch (const api::ApiError&) {
    asking.error = std::current_exception();
    throw;
  }
}

EntryRef Conversions::shown(const EntryRef& entry) const {
  const auto found = entries_.find(entry.get());
  if (found == entries_.end()) throw not_asked();
  return found->second.shown;
}

void prepare_conversions(Call& call) {
  if (call.served != nullptr && call.served->converter) call.conversions = std::make_shared<Conversions>(call.served->converter);
}

std::shared_ptr<Conversions> conversions_for(const WriteRequest& request, const Served& storage) {
  if (request.conversions || !storage.converter) return request.conversions;
  return std::make_shared<Conversions>(storage.converter);
}

api::Object stored_object(const Served& storage, const Entry& entry) {
  if (!storage.converter) return decode_entry(*storage.resource, entry);
  api::Object object = storage.converter->decode(entry);
  const api::GroupVersionKind& kind = storage.resource->kind;
  return object.schema().kind == kind ? std::move(object) : Conversions::convert(object, storage.kept_resource);
}

Soon<EntryRef> shown_soon(Core& core, const Call& call, EntryRef entry) {
  const Served& served = *call.served;
  if (!call.conversions || !served.to_shown) return shown(served, entry);
  return show_one(core, call, std::move(entry));
}

}  // namespace ph::apiserver
