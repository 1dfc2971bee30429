#include "inferometer/machine/cpu.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <hwloc.h>

#include "inferometer/machine/cpu_features.h"

namespace ifm {
namespace {

struct TopologyDeleter {
  void operator()(hwloc_topology* topology) const { hwloc_topology_destroy(topology); }
};
struct BitmapDeleter {
  void operator()(hwloc_bitmap_s* bitmap) const { hwloc_bitmap_free(bitmap); }
};
using Topology = std::unique_ptr<hwloc_topology, TopologyDeleter>;
using Bitmap = std::unique_ptr<hwloc_bitmap_s, BitmapDeleter>;

Topology load_topology() {
  hwloc_topology_t raw = nullptr;
  if (hwloc_topology_init(&raw) != 0) return nullptr;
  Topology topology(raw);
  if (hwloc_topology_load(raw) != 0) return nullptr;
  return topology;
}

/// The processing units that this process may run on. Where the OS does not bind processes: all that it may see.
Bitmap allowed_units(hwloc_topology_t topology) {
  Bitmap allowed(hwloc_bitmap_alloc());
  if (allowed == nullptr) return nullptr;
  const bool bound = hwloc_get_cpubind(topology, allowed.get(), HWLOC_CPUBIND_PROCESS) == 0;
  if (!bound || hwloc_bitmap_iszero(allowed.get()) != 0) {
    hwloc_bitmap_copy(allowed.get(), hwloc_topology_get_allowed_cpuset(topology));
  }
  hwloc_bitmap_and(allowed.get(), allowed.get(), hwloc_topology_get_allowed_cpuset(topology));
  return allowed;
}

int count_intersecting(hwloc_topology_t topology, hwloc_obj_type_t type, hwloc_const_bitmap_t units) {
  int count = 0;
  for (hwloc_obj_t object = hwloc_get_next_obj_by_type(topology, type, nullptr); object != nullptr;
       object = hwloc_get_next_obj_by_type(topology, type, object)) {
    if (hwloc_bitmap_intersects(object->cpuset, units) != 0) ++count;
  }
  return count;
}

int64_t last_level_cache_bytes(hwloc_topology_t topology, hwloc_const_bitmap_t units) {
  for (const hwloc_obj_type_t type : {HWLOC_OBJ_L5CACHE, HWLOC_OBJ_L4CACHE, HWLOC_OBJ_L3CACHE, HWLOC_OBJ_L2CACHE}) {
    int64_t bytes = 0;
    for (hwloc_obj_t cache = hwloc_get_next_obj_by_type(topology, type, nullptr); cache != nullptr;
         cache = hwloc_get_next_obj_by_type(topology, type, cache)) {
      if (hwloc_bitmap_intersects(cache->cpuset, units) != 0) bytes += static_cast<int64_t>(cache->attr->cache.size);
    }
    if (bytes > 0) return bytes;
  }
  return 0;
}

/// Null where none is shown.
std::optional<int> some_intersecting(hwloc_topology_t topology, hwloc_obj_type_t type, hwloc_const_bitmap_t units) {
  const int count = count_intersecting(topology, type, units);
  return count > 0 ? std::optional<int>(count) : std::nullopt;
}

std::string size_text(uint64_t bytes) {
  constexpr uint64_t kMebi = uint64_t{1} << 20U;
  return bytes % kMebi == 0 ? fmt::format("{} MiB", bytes / kMebi) : fmt::format("{} KiB", bytes / 1024);
}

/// "L2 8 × 1280 KiB + 4 × 2 MiB": sizes rising, where cores differ.
std::string caches_text(hwloc_topology_t topology, hwloc_const_bitmap_t units) {
  std::string text;
  const std::pair<const char*, hwloc_obj_type_t> levels[] = {
      {"L1", HWLOC_OBJ_L1CACHE}, {"L2", HWLOC_OBJ_L2CACHE}, {"L3", HWLOC_OBJ_L3CACHE}, {"L4", HWLOC_OBJ_L4CACHE}};
  for (const auto& [name, type] : levels) {
    std::map<uint64_t, int> counts;
    for (hwloc_obj_t cache = hwloc_get_next_obj_by_type(topology, type, nullptr); cache != nullptr;
         cache = hwloc_get_next_obj_by_type(topology, type, cache)) {
      if (hwloc_bitmap_intersects(cache->cpuset, units) != 0 && cache->attr->cache.size > 0) ++counts[cache->attr->cache.size];
    }
    std::string level;
    for (const auto& [bytes, count] : counts)
      level += fmt::format("{}{} × {}", level.empty() ? " " : " + ", count, size_text(bytes));
    if (!level.empty()) text += fmt::format("{}{}{}", text.empty() ? "" : ", ", name, level);
  }
  return text;
}

std::string cpu_name(hwloc_topology_t topology) {
  for (const hwloc_obj_type_t type : {HWLOC_OBJ_PACKAGE, HWLOC_OBJ_MACHINE}) {
    const hwloc_obj_t object = hwloc_get_obj_by_type(topology, type, 0);
    const char* name = object == nullptr ? nullptr : hwloc_obj_get_info_by_name(object, "CPUModel");
    if (name != nullptr) return name;
  }
  return {};
}

/// Where threads can be bound to.
struct Cores {
  Topology topology = load_topology();
  std::vector<Bitmap> units;  ///< of each physical core, those that this process may run on
};

Cores find_cores() {
  Cores cores;
  const Bitmap allowed = cores.topology == nullptr ? nullptr : allowed_units(cores.topology.get());
  if (allowed == nullptr) return cores;
  hwloc_topology_t topology = cores.topology.get();
  for (hwloc_obj_t core = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_CORE, nullptr); core != nullptr;
       core = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_CORE, core)) {
    Bitmap units(hwloc_bitmap_dup(core->cpuset));
    if (units == nullptr) continue;
    hwloc_bitmap_and(units.get(), units.get(), allowed.get());
    if (hwloc_bitmap_iszero(units.get()) == 0) cores.units.push_back(std::move(units));
  }
  return cores;
}

CpuInfo find_out() {
  CpuInfo info;
  info.features = cpu_features();
  info.logical_cores = static_cast<int>(std::thread::hardware_concurrency());
  if (const Topology topology = load_topology()) {
    info.name = cpu_name(topology.get());
    if (const Bitmap units = allowed_units(topology.get())) {
      info.logical_cores = count_intersecting(topology.get(), HWLOC_OBJ_PU, units.get());
      info.physical_cores = count_intersecting(topology.get(), HWLOC_OBJ_CORE, units.get());
      info.cache_bytes = last_level_cache_bytes(topology.get(), units.get());
      info.sockets = some_intersecting(topology.get(), HWLOC_OBJ_PACKAGE, units.get());
      info.numa_nodes = some_intersecting(topology.get(), HWLOC_OBJ_NUMANODE, units.get());
      info.caches = caches_text(topology.get(), units.get());
    }
  }
  if (info.logical_cores < 1) info.logical_cores = 1;
  // Some virtual machines and containers show no cores at all.
  if (info.physical_cores < 1 || info.physical_cores > info.logical_cores) info.physical_cores = info.logical_cores;
  return info;
}

}  // namespace

const CpuInfo& cpu_info() {
  static const CpuInfo kInfo = find_out();
  return kInfo;
}

bool bind_thread_to_core(int index) {
  static const Cores kCores = find_cores();
  if (kCores.units.empty()) return false;
  const Bitmap& units = kCores.units[static_cast<std::size_t>(index) % kCores.units.size()];
  return hwloc_set_cpubind(kCores.topology.get(), units.get(), HWLOC_CPUBIND_THREAD) == 0;
}

bool cpu_has(std::initializer_list<std::string_view> features) {
  const std::string padded = " " + cpu_info().features + " ";
  return std::ranges::all_of(features,
                             [&](std::string_view f) { return padded.find(fmt::format(" {} ", f)) != std::string::npos; });
}

}  // namespace ifm
