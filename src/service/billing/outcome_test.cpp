#include "service/billing/outcome.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace imagined::service {
namespace {

std::string in_words(Charged charged) {
  switch (charged) {
    case Charged::nothing:
      return "nothing";
    case Charged::delivered:
      return "delivered";
    case Charged::ordered:
      return "ordered";
    case Charged::refunded:
      return "refunded";
  }
  return "";
}

// `| `name` | words | a | b |`: the first and the last two cells of each row of the document.
std::vector<std::string> documented_rows() {
  std::ifstream file(IMAGINED_SOURCE_DIR "/docs/billing.md");
  std::vector<std::string> rows;
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("| `")) continue;
    const auto name_end = line.find('`', 3);
    line.resize(line.rfind(" |"));
    const auto last = line.rfind("| ");
    const auto second_last = line.rfind("| ", last - 1);
    rows.push_back(line.substr(3, name_end - 3) + " " + line.substr(second_last));
  }
  return rows;
}

TEST(Outcomes, AreChargedAsTheDocumentSays) {
  std::vector<std::string> rows;
  for (const OutcomeRow& row : outcome_table())
    rows.push_back(fmt::format("{} | {} | {}", row.name, in_words(row.delivered_only),
                               in_words(row.work_done)));
  EXPECT_EQ(documented_rows(), rows);
}

TEST(Outcomes, EachHaveTheirRow) {
  for (int i = 0; i < kOutcomeCount; ++i)
    EXPECT_EQ(row_of(static_cast<Outcome>(i)).outcome, static_cast<Outcome>(i));
}

TEST(Outcomes, ChargeNothingUndeliveredUnlessWorkDoneIsCharged) {
  constexpr auto kDelivered = ChargePolicy::delivered_only;
  constexpr auto kWork = ChargePolicy::work_done;
  EXPECT_EQ(charged_pictures(Outcome::delivered, kDelivered, 4, 3), 3);
  EXPECT_EQ(charged_pictures(Outcome::delivered, kWork, 4, 3), 3);
  EXPECT_EQ(charged_pictures(Outcome::cancelled_running, kDelivered, 4, 0), 0);
  EXPECT_EQ(charged_pictures(Outcome::cancelled_running, kWork, 4, 0), 4);
  EXPECT_EQ(charged_pictures(Outcome::engine_failed, kWork, 4, 0), 0);
  EXPECT_EQ(charged_pictures(Outcome::picture_lost, kWork, 4, 4), 0);
}

}  // namespace
}  // namespace imagined::service
