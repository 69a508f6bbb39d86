// StoredPod: the message of a waiting pod while nobody looks at it. Thousands may wait: their bytes are kept, cut down to what
// scheduling looks at, and pods of one template share those of their spec.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "api/kinds.h"
#include "informers/pod_view.h"

namespace ph::scheduler {

using PendingPod = std::shared_ptr<const core::v1::Pod>;

class StoredPod {
 public:
  // Throws api::DecodeError on damage.
  static std::shared_ptr<const StoredPod> of(std::string_view protobuf);
  // Nothing is cut away.
  static std::shared_ptr<const StoredPod> whole(std::string_view protobuf);

  // The same object for as long as somebody holds it.
  PendingPod message() const;

 private:
  std::string own_;           // all but the spec
  informers::Interned spec_;  // as a field of the message
  mutable std::weak_ptr<const core::v1::Pod> held_;
};

}  // namespace ph::scheduler
