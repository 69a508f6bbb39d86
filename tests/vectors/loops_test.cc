// kube-controller-manager's loops: scenarios, step by step.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "tests/vectors/loops_replay.h"
#include "tests/vectors/play.h"

namespace ph::vectors {
namespace {

class LoopsPlayer final : public Player {
 public:
  Outcome play(const Json& scenario) override {
    std::unique_ptr<LoopsReplay> replay;
    try {
      replay = std::make_unique<LoopsReplay>(scenario);
    } catch (const std::invalid_argument& error) {
      return Outcome::not_served(error.what());
    }
    if (!replay->absent().empty()) return Outcome::not_served(fmt::format("{}", fmt::join(replay->absent(), ", ")));
    return replay->play();
  }
};

TEST(Loops, Scenarios) {
  LoopsPlayer player;
  play({.name = "loops",
        .levels = {"objects", "whole"},
        .row_name =
            [](const Json& row) { return row.at("loop").get<std::string>() + "/" + row.at("scenario").get<std::string>(); },
        .group = [](const Json& row) { return row.at("loop").get<std::string>(); }},
       player);
}

}  // namespace
}  // namespace ph::vectors
