#pragma once

#include <string>
#include <vector>

#include "inferometer/tensor/weight_matrix.h"

namespace ifm {

/// A way of storing weights that the micro-benchmarks know by name.
struct Layout {
  std::string name;
  Packing packing;
  int group;
  DType scale_dtype;
};

inline const std::vector<Layout>& layouts() {
  constexpr DType kHalf = DType::f16;
  static const std::vector<Layout> all{{"mlx4-g32", Packing::affine4, 32, kHalf},
                                       {"mlx4-g64", Packing::affine4, 64, DType::bf16},
                                       {"mlx4-g128", Packing::affine4, 128, DType::bf16},
                                       {"mlx8-g64", Packing::affine8, 64, DType::bf16},
                                       {"q4_0", Packing::q4_0, 0, kHalf},
                                       {"q4_1", Packing::q4_1, 0, kHalf},
                                       {"q5_0", Packing::q5_0, 0, kHalf},
                                       {"q5_1", Packing::q5_1, 0, kHalf},
                                       {"q8_0", Packing::q8_0, 0, kHalf},
                                       {"q4_k", Packing::q4_k, 0, kHalf},
                                       {"q5_k", Packing::q5_k, 0, kHalf},
                                       {"q6_k", Packing::q6_k, 0, kHalf},
                                       {"f16", Packing::f16, 0, kHalf},
                                       {"bf16", Packing::bf16, 0, kHalf}};
  return all;
}

/// For the help of --weights.
inline std::string layout_names() {
  std::string names = "all";
  for (const Layout& layout : layouts()) names += ", " + layout.name;
  return names;
}

/// The layouts that `wanted` names, in the order of layouts().
inline std::vector<Layout> chosen_layouts(const std::vector<std::string>& wanted) {
  std::vector<Layout> chosen;
  for (const Layout& layout : layouts()) {
    for (const std::string& name : wanted) {
      if (name == "all" || name == layout.name) chosen.push_back(layout);
    }
  }
  return chosen;
}

}  // namespace ifm
