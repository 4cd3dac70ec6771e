// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <vector>

namespace engine {

/// Working memory of BpeMerges::merge; one per thread.
struct MergeScratch {
  struct Symbol {
    std::int32_t id;  // -1 = merged into the one before it
    std::int32_t previous;
    std::int32_t next;
  };
  struct Candidate {
    std::uint32_t rank;
    std::int32_t position;
    std::int32_t result;
  };
  std::vector<std::int32_t> ids;
  std::vector<Symbol> symbols;
  std::vector<Candidate> heap;
  /// Candidates looked at since construction: what the work is proportional to, up to a logarithm.
  std::uint64_t steps = 0;
};

/// The ranked pairs of a byte-pair encoding.
class BpeMerges {
 public:
  BpeMerges() = default;
  explicit BpeMerges(std::size_t expected);

  /// A pair given twice keeps the later rank, as in Hugging Face's library.
  void add(std::int32_t left, std::int32_t right, std::uint32_t rank, std::int32_t result);
  bool empty() const { return used_ == 0; }

  /// Merges scratch.ids, lowest rank first and leftmost among equals, until no pair of neighbours
  /// has a rank, and appends what is left to `ids`. A heap over a linked list: O(n log n), at most
  /// 3n candidates.
  void merge(MergeScratch& scratch, std::vector<std::int32_t>& ids) const;

 private:
  struct Entry {
    std::uint64_t pair;
    std::uint32_t rank;
    std::int32_t result;
  };
  const Entry* find(std::int32_t left, std::int32_t right) const;
  std::size_t slot_of(std::uint64_t pair) const;
  void grow();
  void propose(MergeScratch& scratch, std::int32_t position) const;

  std::vector<Entry> table_;  // open addressing, power of two
  std::size_t used_ = 0;
};

}  // namespace engine
