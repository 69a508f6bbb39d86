// A plugin of a later version of the interface: of its table only the version may be looked at.
#include "scheduler/foreign/plugin_abi.h"

namespace {
const uint32_t kTable[64] = {PH_PLUGIN_ABI + 1};
}  // namespace

extern "C" const ph_plugin* ph_scheduler_plugin(void) { return reinterpret_cast<const ph_plugin*>(kTable); }
