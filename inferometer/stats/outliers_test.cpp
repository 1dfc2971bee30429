#include "inferometer/stats/outliers.h"

#include "inferometer/stats/goldens.h"

namespace ifm::stats {
namespace {

using goldens::expect_close;

TEST(Outliers, ModifiedZMatchesScipyMedianAbsDeviation) {
  for (const auto& c : goldens::all()["outliers"]) {
    const OutlierMarks marks = mark_outliers(goldens::numbers(c["values"]));
    expect_close(marks.spread, c["spread"], 1e-12);
    const auto z = goldens::numbers(c["z"]);
    ASSERT_EQ(marks.modified_z.size(), z.size());
    for (size_t i = 0; i < z.size(); ++i) expect_close(marks.modified_z[i], z[i], 1e-11, 1e-3);
    EXPECT_EQ(marks.marked, c["marked"].get<std::vector<size_t>>());
  }
}

TEST(Outliers, OneWildValueDoesNotHideAnother) {
  // With mean and sd the two would hide each other: z = 1.4 and 1.5.
  EXPECT_EQ(mark_outliers(std::vector<double>{10, 11, 10.5, 9.8, 10.2, 50, 52}).marked, (std::vector<size_t>{5, 6}));
}

TEST(Outliers, MedianDeviationOfZeroFallsBackToTheMeanOne) {
  const OutlierMarks marks = mark_outliers(std::vector<double>{5, 5, 5, 5, 5, 5, 5, 9});
  EXPECT_DOUBLE_EQ(marks.spread, 1.2533141373155003 * 0.5);
  EXPECT_EQ(marks.marked, std::vector<size_t>{7});
}

TEST(Outliers, EqualValuesAndNoneHaveNoMarks) {
  EXPECT_TRUE(mark_outliers(std::vector<double>{3, 3, 3}).marked.empty());
  EXPECT_TRUE(mark_outliers(std::vector<double>{}).modified_z.empty());
}

}  // namespace
}  // namespace ifm::stats
