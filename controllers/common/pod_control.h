// PodControl: makes and deletes pods for an owner, and tells of each in an event about the owner, in upstream's words
// (pkg/controller: RealPodControl; slowStartBatch of replica sets, daemon sets and jobs).
//
// Belongs to the loop that makes it, and to its executor; client and recorder must outlive it.
#pragma once

#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "controllers/runtime/loop.h"

namespace ph::controllers {

class PodControl {
 public:
  // The first failure among several pods.
  struct Failure {
    std::string message;
    std::exception_ptr error;
  };

  PodControl(Client& client, EventRecorder& events) : client_(client), events_(events) {}

  // Makes `count` pods, `pod(i)` being the i-th, by slow_start. Nothing: all were made, or the namespace is on its way out, where
  // pods are neither made nor missed. `made`: is told how many were, when it is not null.
  Task<std::optional<Failure>> create(int count, std::function<core::v1::Pod(int)> pod, core::v1::ObjectReference about,
                                      int* made = nullptr);
  // Deletes them side by side, each pinned to its UID. Nothing: all are on their way out, or gone.
  Task<std::optional<Failure>> remove(std::vector<Ref<PodView>> pods, core::v1::ObjectReference about);

 private:
  Task<bool> create_one(core::v1::Pod pod, const core::v1::ObjectReference& about);
  Task<void> remove_one(ObjectKey key, std::string uid, const core::v1::ObjectReference& about);

  Client& client_;
  EventRecorder& events_;
};

// Does `count` things side by side, in batches of 1, 2, 4, …: a mistake in the template then costs few requests. `one` says whether
// to go on; stops after the first batch in which one failed or said no. How many did neither, and the first error.
struct Batches {
  int succeeded = 0;
  std::exception_ptr error;
};
Task<Batches> slow_start(int count, std::function<Task<bool>(int)> one);

}  // namespace ph::controllers
