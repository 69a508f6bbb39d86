// --hardened: what the control-plane sections of the CIS Kubernetes Benchmark ask of the flags, in one word. Whatever flag is given
// besides counts as it is given; `pilothouse cis` says what that means (docs/hardening.md).
#pragma once

#include "base/rng.h"
#include "daemon/flags.h"
#include "pilothouse/flags/apiserver.h"
#include "pilothouse/flags/controller_manager.h"
#include "pilothouse/flags/scheduler.h"

namespace ph::pilothouse {

// To be called when the command line has been read, and before the options are resolved or checked. Each does nothing without --hardened.

// Makes what the flags then name in the data directory, where it is not there yet: a policy and a place for the audit, limits of
// events, a key of what is stored encrypted. Throws FileError, FlagError.
void harden(daemon::FlagSet& flags, ApiServerProgramOptions& options, Rng& rng);
// Keys that are kept beside the kubeconfig, as in a data directory, are used.
void harden(daemon::FlagSet& flags, const ControllerManagerOptions& options);
void harden(daemon::FlagSet& flags, const SchedulerOptions& options);

}  // namespace ph::pilothouse
