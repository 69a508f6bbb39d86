// Who gets room for a body, and when.
#include "net/body_room.h"

#include <gtest/gtest.h>

namespace ph::net {
namespace {

struct BodyRoomTest : ::testing::Test {
  std::shared_ptr<BodyRoom> rooms = std::make_shared<BodyRoom>(
      BodyRoom::Limits{.bytes_max = 100, .bytes_max_of_user = 40, .waiting_max = 5, .waiting_max_of_user = 3});
  struct Guest {
    Room room;
    std::shared_ptr<void> place;
  };
  std::vector<std::unique_ptr<Guest>> guests;

  Guest& ask(const std::string& user, std::size_t size) {
    Guest& guest = *guests.emplace_back(std::make_unique<Guest>());
    guest.place = rooms->ask(user, size, [&guest](Room room) { guest.room = std::move(room); });
    return guest;
  }
  void TearDown() override {
    for (auto& guest : guests) guest->place = nullptr;
    for (auto& guest : guests) guest->room = nullptr;
    EXPECT_EQ(rooms->held(), 0u);
  }
};

TEST_F(BodyRoomTest, AUserWaitsForHisOwnShareAndHoldsUpNobody) {
  ask("a", 30);
  Guest& second = ask("a", 30);
  EXPECT_FALSE(second.room);
  EXPECT_TRUE(ask("b", 40).room);
  EXPECT_EQ(rooms->held(), 70u);
  guests[0]->room = nullptr;
  EXPECT_TRUE(second.room);
}

TEST_F(BodyRoomTest, WhatAllHoldIsBoundedAndGivenInTurn) {
  for (const char* user : {"a", "b"}) ask(user, 40);
  Guest& large = ask("c", 40);
  Guest& small = ask("d", 10);
  EXPECT_FALSE(large.room);
  EXPECT_FALSE(small.room) << "it would fit, but others came before";
  guests[0]->room = nullptr;
  EXPECT_TRUE(large.room);
  EXPECT_TRUE(small.room);
}

TEST_F(BodyRoomTest, AllIsGivenToOneWhoIsAlone) {
  Guest& huge = ask("a", 1000);
  EXPECT_TRUE(huge.room);
  Guest& other = ask("b", 1);
  EXPECT_FALSE(other.room);
  huge.room = nullptr;
  EXPECT_TRUE(other.room);
}

TEST_F(BodyRoomTest, PlacesAreFew) {
  ask("a", 40);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(ask("a", 40).place);
  EXPECT_FALSE(ask("a", 40).place) << "too many of one user";
  EXPECT_TRUE(ask("b", 40).room) << "nobody else feels it";
  ask("c", 20);
  ask("d", 1), ask("e", 1);
  EXPECT_FALSE(ask("f", 1).place) << "too many of all";
  guests[1]->place = nullptr;
  EXPECT_TRUE(ask("f", 1).place) << "a place that was left is free";
}

TEST_F(BodyRoomTest, WhoLeftIsNotServed) {
  ask("a", 40);
  Guest& gone = ask("a", 40);
  Guest& next = ask("a", 40);
  gone.place = nullptr;
  guests[0]->room = nullptr;
  EXPECT_FALSE(gone.room);
  EXPECT_TRUE(next.room);
}

}  // namespace
}  // namespace ph::net
