// Conversions: what a Converter has made of objects, for one request or one watch.
//
// Requests are written against conversions that are there at once (Served::to_shown, to_stored). Where only somebody outside can convert,
// such work is run by `run`: what it needs and is not known yet ends it, is asked about, and the work begins anew. So it must do nothing
// that it cannot do twice.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "apiserver/rest/aside.h"
#include "apiserver/rest/converter.h"
#include "apiserver/rest/core.h"
#include "apiserver/rest/write.h"

namespace ph::apiserver {

// Belongs to the server's executor, but for `convert`.
class Conversions {
 public:
  explicit Conversions(std::shared_ptr<Converter> converter) : converter_(std::move(converter)) {}
  Conversions(const Conversions&) = delete;
  Conversions& operator=(const Conversions&) = delete;

  // Within `run`: the object as another version has it. Not for others to catch: what is not known yet is thrown, and is no
  // std::exception. Elsewhere throws ApiError. Threads: that of the work.
  static api::Object convert(const api::Object& object, const api::ResourceRef& to);

  // As `aside`. The core and this outlive the task.
  template <class F, class T = std::invoke_result_t<F&>>
  Task<T> run(Core& core, std::size_t size, F work) {
    for (int round = 0; round < kRounds; ++round) {
      std::optional<Missing> missing;
      try {
        co_return co_await aside(core, size, [&] {
          const Here here(*this);
          return work();
        });
      } catch (Missing& what) {
        missing = std::move(what);
      }
      co_await learn(std::move(*missing));
    }
    throw too_many();
  }

  // Work that `run` has done before.
  template <class F>
  auto known(F work) const {
    const Here here(*this);
    try {
      return work();
    } catch (const Missing&) {
      throw not_asked();
    }
  }

  // Makes `shown` know how the resource shows the entries; those that are not known are asked about together. `anew`: what others have
  // been told does not count. All outlive the task.
  Task<void> show(Core& core, Served& served, std::vector<EntryRef> entries, bool anew = false);
  // After `show`. Throws ApiError for what it was not asked about.
  EntryRef shown(const EntryRef& entry) const;
  // What was shown is not needed any more.
  void forget_entries() { entries_.clear(); }

 private:
  static constexpr int kRounds = 100;

  struct Missing {
    std::shared_ptr<const api::Object> object;
    api::ResourceRef to;
  };
  // While one lives, this thread's work finds what is known.
  class Here {
   public:
    explicit Here(const Conversions& what) : before_(std::exchange(here_, &what)) {}
    ~Here() { here_ = before_; }
    Here(const Here&) = delete;
    Here& operator=(const Here&) = delete;

   private:
    const Conversions* const before_;
  };
  struct Shown {
    EntryRef entry, shown;
  };

  static api::ApiError too_many();
  static api::ApiError not_asked();
  Task<void> learn(Missing missing);
  void remember(const api::Object& object, const api::Schema& to, api::Object result);
  Task<void> ask(Core& core, Served& served, std::vector<EntryRef> entries);

  static inline constinit thread_local const Conversions* here_ = nullptr;

  const std::shared_ptr<Converter> converter_;
  // By what conversion may look at: all but the metadata that it cannot change.
  std::unordered_map<std::string, api::Object> objects_;
  std::unordered_map<const Entry*, Shown> entries_;
};

// Work that converts, where somebody has to be asked; else `aside`.
template <class F>
auto converting(Core& core, const std::shared_ptr<Conversions>& conversions, std::size_t size, F work) {
  return conversions ? conversions->run(core, size, std::move(work)) : aside(core, size, std::move(work));
}

// The call asks for a version that somebody outside may have to make: gives it a place for what he says.
void prepare_conversions(Call& call);
// Those of a write of what `storage` stores, be it the server's own.
std::shared_ptr<Conversions> conversions_for(const WriteRequest& request, const Served& storage);
// What a stored entry holds, in the version that is stored today. Converts.
api::Object stored_object(const Served& storage, const Entry& entry);
// The entry as the call's resource shows it, asked about anew. All outlive the wait.
Soon<EntryRef> shown_soon(Core& core, const Call& call, EntryRef entry);

}  // namespace ph::apiserver
