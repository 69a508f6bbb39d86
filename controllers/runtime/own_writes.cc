#include "controllers/runtime/own_writes.h"

#include <algorithm>

#include "api/wire_records.h"
#include "informers/request.h"

namespace ph::controllers {

using informers::Write;
using informers::detail::AnyRef;

namespace {

// By whatever version: they show the same objects.
bool is_of(const LoopBuilder::Source& source, const Write& write) {
  return source.resource->plural == write.resource->plural && source.resource->kind.group == write.resource->kind.group;
}

// An update took away the last thing that kept an object which was being deleted: it is gone. The server answers with what it was before
// that, and its revision. (Namespaces, which also have another kind of finalizers, have no grace.)
bool is_last_of(const Write& write, std::string_view object) {
  if (write.verb != Write::Verb::Update && write.verb != Write::Verb::Patch) return false;
  bool deleting = false, finalizers = false, grace_is_over = false;
  for (api::wire::Records in(api::wire::member_of(object, 1)); in.next();) {
    switch (in.field()) {
      case 9: deleting = true; break;
      case 10: grace_is_over = in.int64() == 0; break;
      case 14: finalizers = true; break;
    }
  }
  return deleting && grace_is_over && !finalizers;
}

}  // namespace

bool OwnWrites::met(const Condition& condition) {
  const AnyInformer& informer = *condition.informer;
  const bool reached = informer.revision() >= condition.least;
  switch (condition.kind) {
    case Condition::Reached: return reached;
    case Condition::Unknown: return false;
    case Condition::Gone: {
      if (condition.least.value != 0 && reached) return true;
      const AnyRef cached = informer.find(condition.object);
      if (!cached) return true;
      const informers::detail::Decoder& decoder = informer.decoder();
      if (decoder.uid(cached.get()) != condition.uid) return true;
      return !condition.for_good && decoder.deleting && decoder.deleting(cached.get());
    }
  }
  return true;
}

std::vector<ObjectKey> OwnWrites::keys_of(const LoopBuilder::Source& source, const ObjectKey& key, std::string_view object) {
  std::vector<ObjectKey> keys;
  if (const AnyRef before = source.informer->find(key)) keys = source.keys(before.get());
  if (!object.empty()) {
    const AnyRef after = source.informer->decoder().decode(object);
    std::ranges::move(source.keys(after.get()), std::back_inserter(keys));
  }
  std::ranges::sort(keys);
  keys.erase(std::ranges::unique(keys).begin(), keys.end());
  return keys;
}

void OwnWrites::add(const LoopBuilder::Source& source, const std::vector<ObjectKey>& keys, Condition condition) {
  condition.informer = source.informer;
  if (met(condition)) return;
  for (const ObjectKey& key : keys) {
    std::vector<Condition>& conditions = pending_[key];
    if (condition.kind == Condition::Reached) {
      // The newest revision includes the others.
      const auto same = std::ranges::find_if(conditions, [&](const Condition& other) {
        return other.kind == Condition::Reached && other.informer == condition.informer;
      });
      if (same != conditions.end()) {
        same->least = std::max(same->least, condition.least);
        continue;
      }
    }
    condition.number = ++conditions_;
    conditions.push_back(condition);
  }
}

OwnWrites::Condition OwnWrites::gone(const std::shared_ptr<AnyInformer>& informer, const ObjectKey& object,
                                     const std::string& uid, Revision answered) {
  Condition condition{.kind = Condition::Gone, .informer = informer, .object = object};
  const AnyRef cached = informer->find(object);
  if (!cached) return condition;
  const std::string_view known = informer->decoder().uid(cached.get());
  const Revision revision = informer->decoder().revision(cached.get());
  // While the answer was on its way somebody has used the name again: what stands there now may stay for ever.
  const bool is_next = (!uid.empty() && uid != known) || (answered.value != 0 && revision > answered);
  if (is_next) return condition;
  condition.uid = known;
  // Servers before 1.27 answer with the revision the object had before its end, which proves nothing.
  if (answered > revision) condition.least = answered;
  return condition;
}

void OwnWrites::answered(const Write& write, std::string_view object) {
  for (const LoopBuilder::Source& source : sources_) {
    if (!is_of(source, write)) continue;
    const std::vector<ObjectKey> keys = keys_of(source, write.key, object);
    const Revision revision = object.empty() ? Revision{} : informers::revision_of(object);
    if (write.verb == Write::Verb::Remove) {
      add(source, keys, gone(source.informer, write.key, write.uid, revision));
    } else if (is_last_of(write, object)) {
      const std::string_view uid = api::wire::member_of(api::wire::member_of(object, 1), 5);
      add(source, keys, {.kind = Condition::Gone, .object = write.key, .uid = std::string(uid), .for_good = true});
    } else if (revision.value != 0) {
      add(source, keys, {.kind = Condition::Reached, .least = revision});
    } else {
      add(source, keys, {.kind = Condition::Unknown, .object = write.key});
    }
  }
}

void OwnWrites::unknown(const Write& write) {
  ++stats_.unknown;
  suspect(write, false);
}

void OwnWrites::suspect(const Write& write, bool refused) {
  for (const LoopBuilder::Source& source : sources_) {
    if (!is_of(source, write)) continue;
    add(source, keys_of(source, write.key, write.object),
        {.kind = Condition::Unknown, .object = write.key, .uid = write.uid, .refused = refused});
  }
}

// The server says that the cache is stale: it holds what is gone, or another state than the live one.
void OwnWrites::refused(const Write& write, const api::ApiError& error) {
  if (error.code() != 404 && error.code() != 409 && !api::is_of_another_uid(error)) return;
  ++stats_.stale;
  suspect(write, true);
}

bool OwnWrites::settled(const ObjectKey& key) {
  const auto found = pending_.find(key);
  if (found == pending_.end()) return true;
  std::erase_if(found->second, met);
  if (!found->second.empty()) return false;
  pending_.erase(found);
  return true;
}

bool OwnWrites::wrote(const ObjectKey& key) {
  if (settled(key)) return false;
  return std::ranges::any_of(pending_[key], [](const Condition& condition) { return !condition.refused; });
}

Task<void> OwnWrites::wait(ObjectKey key) {
  while (!settled(key)) {
    const Condition next = pending_[key].front();
    if (next.kind == Condition::Unknown) {
      Condition known = co_await resolve(next);
      // The key is not worked on meanwhile: nothing was added to its conditions but by writes of other keys, at the end. But the kind
      // may have vanished.
      const auto pending = pending_.find(key);
      if (pending == pending_.end() || pending->second.empty() || pending->second.front().number != next.number) continue;
      known.number = next.number;
      pending->second.front() = std::move(known);
      continue;
    }
    const Revision seen = next.informer->revision();
    co_await next.informer->wait_for(next.kind == Condition::Reached ? next.least : Revision{seen.value + 1});
    if (!met(next) && next.informer->revision() == seen) co_return;  // it has stopped
  }
}

void OwnWrites::forget(const AnyInformer& informer) {
  for (auto& [key, conditions] : pending_) {
    std::erase_if(conditions, [&](const Condition& condition) { return condition.informer.get() == &informer; });
  }
}

Task<OwnWrites::Condition> OwnWrites::resolve(Condition unknown) {
  const api::Resource& resource = *unknown.informer->decoder().resource;
  Condition reached{.kind = Condition::Reached, .informer = unknown.informer};
  // Lists also of one object: who follows a resource may list it, but not always get it. The loop itself may do neither.
  informers::ListOptions options;
  options.namespace_name = unknown.object.namespace_name;
  if (!unknown.object.name.empty()) options.field_selector = "metadata.name=" + unknown.object.name;
  Revision revision;
  const auto items = co_await unknown.informer->client().list_metadata(resource, std::move(options), revision);
  ++stats_.resolved;
  if (items.empty()) ++stats_.gone;
  if (items.empty() && !unknown.object.name.empty()) {
    Condition ended = gone(unknown.informer, unknown.object, unknown.uid, revision);
    ended.for_good = true;
    co_return ended;
  }
  for (const auto& item : items) {
    reached.least = std::max(reached.least, informers::parse_revision(item.metadata.resource_version()));
  }
  co_return reached;
}

}  // namespace ph::controllers
