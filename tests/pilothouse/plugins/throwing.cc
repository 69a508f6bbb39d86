// A plugin that does what no plugin may: its exceptions leave it.
#include <stdexcept>

#include "scheduler/foreign/plugin_abi.h"

namespace {

int32_t filter(void*, const ph_pod*, const ph_node*, ph_words*) { throw std::runtime_error("out of luck"); }

const ph_plugin kPlugin = {
    .abi = PH_PLUGIN_ABI,
    .size = sizeof(ph_plugin),
    .name = {"Throwing", 8},
    .reads_of_pod = 0,
    .reads_of_node = 0,
    .flags = PH_PLUGIN_KEEPABLE,
    .create = nullptr,
    .destroy = nullptr,
    .filter = filter,
    .score = nullptr,
};

}  // namespace

extern "C" const ph_plugin* ph_scheduler_plugin(void) { return &kPlugin; }
