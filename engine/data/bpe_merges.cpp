// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/bpe_merges.h"

#include <algorithm>
#include <bit>

namespace engine {
namespace {

constexpr std::uint64_t kFree = ~std::uint64_t{0};

std::uint64_t pair_of(std::int32_t left, std::int32_t right) {
  return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 |
         static_cast<std::uint32_t>(right);
}

// Heap order: the candidate to merge first comes out on top.
bool later(const MergeScratch::Candidate& a, const MergeScratch::Candidate& b) {
  return a.rank != b.rank ? a.rank > b.rank : a.position > b.position;
}

}  // namespace

BpeMerges::BpeMerges(std::size_t expected)
    : table_(std::bit_ceil(std::max<std::size_t>(16, expected * 2)), Entry{kFree, 0, 0}) {}

std::size_t BpeMerges::slot_of(std::uint64_t pair) const {
  const std::size_t mask = table_.size() - 1;
  std::uint64_t hash = pair * 0x9E3779B97F4A7C15ULL;
  std::size_t slot = (hash ^ hash >> 32) & mask;
  while (table_[slot].pair != kFree && table_[slot].pair != pair) slot = (slot + 1) & mask;
  return slot;
}

void BpeMerges::grow() {
  std::vector<Entry> old = std::move(table_);
  table_.assign(std::max<std::size_t>(16, old.size() * 2), Entry{kFree, 0, 0});
  for (const Entry& entry : old)
    if (entry.pair != kFree) table_[slot_of(entry.pair)] = entry;
}

void BpeMerges::add(std::int32_t left, std::int32_t right, std::uint32_t rank,
                    std::int32_t result) {
  if ((used_ + 1) * 2 > table_.size()) grow();
  const std::uint64_t pair = pair_of(left, right);
  Entry& entry = table_[slot_of(pair)];
  if (entry.pair == kFree) ++used_;
  entry = {pair, rank, result};
}

const BpeMerges::Entry* BpeMerges::find(std::int32_t left, std::int32_t right) const {
  const Entry& entry = table_[slot_of(pair_of(left, right))];
  return entry.pair == kFree ? nullptr : &entry;
}

void BpeMerges::propose(MergeScratch& scratch, std::int32_t position) const {
  const MergeScratch::Symbol& symbol = scratch.symbols[static_cast<std::size_t>(position)];
  const Entry* entry = find(symbol.id, scratch.symbols[static_cast<std::size_t>(symbol.next)].id);
  if (entry == nullptr) return;
  scratch.heap.push_back({entry->rank, position, entry->result});
  std::push_heap(scratch.heap.begin(), scratch.heap.end(), later);
}

void BpeMerges::merge(MergeScratch& scratch, std::vector<std::int32_t>& ids) const {
  const auto count = static_cast<std::int32_t>(scratch.ids.size());
  if (empty() || count < 2) {
    ids.insert(ids.end(), scratch.ids.begin(), scratch.ids.end());
    return;
  }
  std::vector<MergeScratch::Symbol>& symbols = scratch.symbols;
  symbols.clear();
  scratch.heap.clear();
  for (std::int32_t i = 0; i < count; ++i)
    symbols.push_back(
        {scratch.ids[static_cast<std::size_t>(i)], i - 1, i + 1 < count ? i + 1 : -1});
  for (std::int32_t i = 0; i + 1 < count; ++i) {
    if (const Entry* entry = find(symbols[static_cast<std::size_t>(i)].id,
                                  symbols[static_cast<std::size_t>(i) + 1].id))
      scratch.heap.push_back({entry->rank, i, entry->result});
  }
  std::make_heap(scratch.heap.begin(), scratch.heap.end(), later);

  while (!scratch.heap.empty()) {
    std::pop_heap(scratch.heap.begin(), scratch.heap.end(), later);
    const MergeScratch::Candidate top = scratch.heap.back();
    scratch.heap.pop_back();
    ++scratch.steps;
    MergeScratch::Symbol& left = symbols[static_cast<std::size_t>(top.position)];
    if (left.id < 0 || left.next < 0) continue;
    MergeScratch::Symbol& right = symbols[static_cast<std::size_t>(left.next)];
    // Outdated when a neighbour has grown meanwhile; the same text can only come from the same
    // pair.
    const Entry* entry = find(left.id, right.id);
    if (entry == nullptr || entry->result != top.result) continue;
    left.id = top.result;
    left.next = right.next;
    right.id = -1;
    if (left.next >= 0) symbols[static_cast<std::size_t>(left.next)].previous = top.position;
    if (left.previous >= 0) propose(scratch, left.previous);
    if (left.next >= 0) propose(scratch, top.position);
  }
  for (std::int32_t i = 0; i >= 0; i = symbols[static_cast<std::size_t>(i)].next)
    ids.push_back(symbols[static_cast<std::size_t>(i)].id);
}

}  // namespace engine
