#include "base/planted.h"

#include <gtest/gtest.h>

namespace tsfeat {
namespace {

#ifdef TSFEAT_PLANT

TEST(Planted, ChoosesByName) {
  EXPECT_EQ(parse_planted(""), 0U);
  EXPECT_EQ(parse_planted("flush"), 1U);
  EXPECT_EQ(parse_planted("late,flush"), 33U);
}

TEST(PlantedDeathTest, AnUnknownNameEndsTheProcess) {
  EXPECT_DEATH(parse_planted("flsh"), "");
  EXPECT_DEATH(parse_planted("flush,,late"), "");
}

#else

TEST(Planted, IsAConstantInARelease) {
  static_assert(!planted("flush"));
  EXPECT_TRUE(planted_names().empty());
}

#endif

}  // namespace
}  // namespace tsfeat
