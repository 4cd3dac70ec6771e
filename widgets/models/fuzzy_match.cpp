// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/fuzzy_match.h"

#include <algorithm>
#include <vector>

namespace widgets {
namespace {

bool begins_word(const QString& text, qsizetype at) {
  return at == 0 || (!text[at - 1].isLetterOrNumber() && text[at].isLetterOrNumber());
}

}  // namespace

int fuzzy_score(const QString& query, const QString& text) {
  QString wanted;
  for (const QChar one : query) {
    if (!one.isSpace()) wanted += one.toCaseFolded();
  }
  if (wanted.isEmpty()) return 1;
  const QString folded = text.toCaseFolded();
  constexpr int kNone = -1000000;
  // best[j]: the best score of the letters so far with the last of them at folded[j].
  std::vector<int> best(static_cast<std::size_t>(folded.size()), kNone);
  for (qsizetype i = 0; i < wanted.size(); ++i) {
    std::vector<int> next(best.size(), kNone);
    int before = i == 0 ? 0 : kNone;  // best score that ends before the letter in front of j
    for (qsizetype j = 0; j < folded.size(); ++j) {
      const auto at = static_cast<std::size_t>(j);
      if (i > 0 && j >= 2) before = std::max(before, best[at - 2]);
      if (folded[j] != wanted[i]) continue;
      const int here = begins_word(text, j) ? 10 : 1;
      const int joined = i > 0 && j > 0 ? best[at - 1] + 12 : kNone;
      const int apart = before == kNone ? kNone : before - (i > 0 ? 1 : 0);
      next[at] = std::max(joined, apart) + here;
      if (next[at] < kNone / 2) next[at] = kNone;
    }
    best = std::move(next);
  }
  const int score = best.empty() ? kNone : *std::max_element(best.begin(), best.end());
  if (score == kNone) return 0;
  const int brevity = static_cast<int>(std::max<qsizetype>(0, 30 - folded.size() / 2));
  return std::max(1, score * 10 + brevity);
}

}  // namespace widgets
