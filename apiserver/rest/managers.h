// Who manages which fields of what is written, in the versions that requests speak.
#pragma once

#include <memory>

#include "api/patch/managed_fields.h"
#include "apiserver/rest/core.h"
#include "apiserver/rest/write.h"

namespace ph::apiserver {

// The versions of what is stored in one place. What it returns looks at nothing that changes.
api::AsVersion versions_of(const Core& core, const std::shared_ptr<Served>& served);

// Records the manager of a write that speaks the version which is stored; `old`: null when the object is being created. False when
// somebody owns fields in another version: then nothing is done. Threads: any.
bool record_plain(const Served& served, api::Object& object, const api::Object* old, const std::string& manager,
                  const std::string& subresource, Time now);

// Records the manager of a write, in the version that its request speaks.
class ManagerRecord {
 public:
  // What it needs of the server is looked up here. `old`: null when the object is being created. All outlive it.
  ManagerRecord(const Core& core, const WriteRequest& request, const api::Object* old);
  // In the object as it is stored. May run on another thread.
  void write(api::Object& object) const;

 private:
  const WriteRequest& request_;
  const api::Object* old_;
  Time now_;
  api::AsVersion as_version_;
};

}  // namespace ph::apiserver
