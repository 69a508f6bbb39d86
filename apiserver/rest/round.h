// One attempt at a write: what the rules look at and add to, and the commit.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "apiserver/access.h"
#include "apiserver/admission/awaited_versions.h"
#include "apiserver/rest/core.h"
#include "apiserver/rest/race.h"
#include "apiserver/rest/write.h"
#include "base/soon.h"

namespace ph::apiserver {

// How often a write that lost a race is prepared again.
inline constexpr int kAttempts = 5;
// How often it is sent again because the lease of its fence was renewed in between.
inline constexpr int kFenceAttempts = 16;

// What a key must be for a write to be applied: absent, or as it was read.
Precondition absent(const Served& served, const ObjectKey& key);
Precondition unchanged(const Served& served, const Entry& entry);

class Round : private AwaitedVersions {
 public:
  // All references outlive the round. `operation`: CREATE, UPDATE or DELETE.
  // Throws 409 when the request's fence does not hold: then nothing else of it matters, be it a dry run.
  Round(Core& core, Served& served, const WriteRequest& request, std::string_view operation, ObjectKey key, Precondition object,
        Race& race);
  ~Round() override;
  Round(const Round&) = delete;
  Round& operator=(const Round&) = delete;

  WriteContext& context() { return context_; }
  // The name has been generated.
  void rename(Precondition object, ObjectKey key) {
    preconditions_[0] = std::move(object);
    key_ = std::move(key);
  }

  // Admission that may change the object, and that which only looks at what has become of it. `object` is null when it is being
  // deleted, `old` when it is being created; both outlive the round.
  Soon<> admit(api::Object* object, const api::Object* old) { return pass(Pass::Admit, object, old); }
  // After `admit`: somebody outside had a hand in it.
  bool changed_outside() const { return admission_.changed_outside; }
  Soon<> validate(api::Object* object, const api::Object* old) { return pass(Pass::Validate, object, old); }
  // The last before `store` or `remove`, when it is this write's turn: what admission and the resource's rules add to the
  // transaction, and admission once more if the caches have changed since it was asked. `object` is null when it is being removed.
  Soon<> before_commit(api::Object* object, const api::Object* old);

  // True when the object's own key is not as it was when the round began: whoever does not commit says so himself.
  bool stale() const;
  // Writes the object (its resourceVersion is not stored), or removes the key. Nothing when another write came between:
  // the caller looks again at what is stored. A dry run writes nothing.
  Task<std::optional<EntryRef>> store(api::Object& object, const Entry* old);
  Task<std::optional<EntryRef>> remove(const Entry& old);
  // True when what refused the round was the object's own key.
  bool lost_object() const { return lost_object_; }
  // True when it was not sent to the store: others stand in line for what it demands. The next one waits for its turn.
  bool sent_to_wait() const { return sent_to_wait_; }

 private:
  enum class Pass { Admit, Validate, Commit };
  Soon<> pass(Pass which, api::Object* object, const api::Object* old);
  // The rest of it, when number `i` waits.
  Task<void> pass_on(Pass which, std::size_t i, Soon<> asked, ServerMetrics::Admission measured);
  Soon<> ask(AdmissionPlugin& plugin, Pass which);
  // Number `i` has been asked.
  void trace(Pass which, std::size_t i);
  api::Object shown(const api::Object& stored, const api::Resource& as) const override;
  api::Object stored(api::Object shown, const api::Resource& as) const override;
  Soon<> before_shown(const api::Object& stored, const api::Resource& as) const override;
  Soon<> before_stored(const api::Object& shown, const api::Resource& as) const override;
  // The version of what is written, when it is converted by somebody outside; else null.
  std::shared_ptr<Served> converted(const api::Resource& as) const;
  void warn(const api::Object& object, const api::Object* old);
  void judge_again();

  Task<std::optional<Revision>> commit();
  void check_keys() const;
  // As `commit`, judged on the fence as well: looks again when the lease was only renewed.
  Task<std::expected<Revision, Refused>> commit_fenced(Transaction transaction);
  EntryRef result(Revision revision, SharedBytes value) const;
  bool last_value_only() const;
  void finish(bool success);

  Core& core_;
  Served& served_;
  const WriteRequest& request_;
  ObjectKey key_;
  Race& race_;
  std::vector<Precondition> preconditions_;
  std::vector<Mutation> mutations_;
  std::vector<std::string> own_warnings_;
  std::vector<std::function<void()>> on_success_, on_failure_;
  WriteContext context_;
  AdmissionRequest admission_;
  bool lost_object_ = false, sent_to_wait_ = false;
};

}  // namespace ph::apiserver
