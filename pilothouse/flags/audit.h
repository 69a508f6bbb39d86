// The flags of auditing: kube-apiserver's.
#pragma once

#include "daemon/flags.h"
#include "pilothouse/audit.h"

namespace ph::pilothouse {

// The options must outlive the set.
void add_audit_flags(daemon::FlagSet& flags, AuditOptions& options);

}  // namespace ph::pilothouse
