#include "pilothouse/foreign_plugins.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>

namespace ph::pilothouse {

using scheduler::ForeignPlugin, scheduler::ForeignPluginError;

namespace {

std::string last_problem() {
  const char* text = ::dlerror();
  return text ? text : "it cannot be loaded";
}

const ph_plugin* table_of(const std::string& file) {
  // Without a slash it would be looked for among the system's libraries.
  const std::string path = file.find('/') == file.npos ? "./" + file : file;
  void* object = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!object) throw ForeignPluginError(fmt::format("{}: {}", file, last_problem()));
  const auto entry = reinterpret_cast<ph_scheduler_plugin_entry>(::dlsym(object, PH_SCHEDULER_PLUGIN_SYMBOL));
  if (!entry) throw ForeignPluginError(fmt::format("{}: it is no scheduler plugin: {}", file, last_problem()));
  try {
    return entry();
  } catch (...) {
    throw ForeignPluginError(fmt::format("{}: an exception has left its entry", file));
  }
}

bool stands_in(const scheduler::ProfileSpec& profile, std::string_view plugin) {
  return std::ranges::any_of(profile.points,
                             [&](const auto& point) { return std::ranges::find(point.second, plugin) != point.second.end(); });
}

}  // namespace

ForeignPlugins::ForeignPlugins(std::span<const std::string> files) {
  for (const std::string& file : files) {
    auto plugin = std::make_unique<const ForeignPlugin>(table_of(file), file);
    if (std::ranges::find(entries_, plugin->name(), &scheduler::PluginEntry::name) != entries_.end()) {
      throw ForeignPluginError(fmt::format("{}: another object has brought a plugin \"{}\" already", file, plugin->name()));
    }
    entries_.push_back(plugin->entry());
    plugins_.push_back(std::move(plugin));
  }
}

std::vector<std::string> ForeignPlugins::idle_in(const std::vector<scheduler::ProfileSpec>& profiles) const {
  std::vector<std::string> out;
  for (const scheduler::PluginEntry& entry : entries_) {
    if (std::ranges::none_of(profiles, [&](const auto& profile) { return stands_in(profile, entry.name); })) {
      out.emplace_back(entry.name);
    }
  }
  return out;
}

}  // namespace ph::pilothouse
