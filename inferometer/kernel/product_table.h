#pragma once

#include <initializer_list>

#include "inferometer/kernel/kernels.h"

namespace ifm {

/// Tables of products are made with these, by the packings' names. consteval: nothing of them is left in a set's code.
consteval ProductTable same_for_all(Product product) {
  ProductTable table{};
  for (Product& entry : table) entry = product;
  return table;
}

consteval ProductTable with(ProductTable table, std::initializer_list<Packing> packings, Product product) {
  for (const Packing packing : packings) table[static_cast<std::size_t>(packing)] = product;
  return table;
}

}  // namespace ifm
