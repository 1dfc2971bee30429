#pragma once
// Helper of this folder's tests; no library includes it.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sqlite3.h>

namespace ifm::test {

/// What SQLite asked of a file, in order.
struct FileEvent {
  enum class Kind { write, truncate, sync, remove };
  Kind kind = Kind::write;
  std::string file;    ///< its name without the folder
  int64_t offset = 0;  ///< truncate: the new size
  std::string bytes;   ///< write
};

/// While it lives, SQLite's files go through it: what is written to them is recorded, and one call may fail. The one that maps
/// memory (-shm) is left alone: it holds nothing that is needed after the last process ended.
class TestVfs {
 public:
  enum class Failure {
    io_error,     ///< nothing is written
    disk_full,    ///< half is written, as a file system without space does
    failed_sync,  ///< the next sync says that it failed
  };

  TestVfs();
  ~TestVfs();
  TestVfs(const TestVfs&) = delete;
  TestVfs& operator=(const TestVfs&) = delete;

  /// The call after `calls` more of its kind (writes and truncations, or syncs) fails, and all of its kind after it.
  void fail_after(int calls, Failure failure);
  void heal();
  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] const std::vector<FileEvent>& events() const { return events_; }

 private:
  struct File;
  static const sqlite3_io_methods* methods();
  static int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags);
  static int remove(sqlite3_vfs* vfs, const char* name, int sync_folder);
  /// SQLITE_OK, or the code that this call fails with.
  int next_call(FileEvent::Kind kind);

  sqlite3_vfs* real_;
  sqlite3_vfs vfs_;
  std::vector<FileEvent> events_;
  int calls_left_ = -1;  ///< until one fails; below 0: none
  Failure failure_ = Failure::io_error;
  bool failed_ = false;
};

/// Files of a folder after some events.
class ReplayedFolder {
 public:
  void apply(const FileEvent& event);
  /// Writes the files there, and nothing else.
  void write_to(const std::filesystem::path& folder) const;

 private:
  struct NamedFile {
    std::string name, bytes;
  };
  NamedFile& at(const std::string& name);
  std::vector<NamedFile> files_;
};

/// SQLite makes room for one of these and calls through its methods; the real file's room is behind it.
struct TestVfs::File {
  sqlite3_file base;
  TestVfs* owner;
  std::string* name;
  sqlite3_file* real;

  static File& of(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }
};

inline TestVfs::TestVfs() : real_(sqlite3_vfs_find(nullptr)), vfs_(*real_) {
  vfs_.zName = "inferometer-test";
  vfs_.pAppData = this;
  vfs_.szOsFile = static_cast<int>(sizeof(File)) + real_->szOsFile;
  vfs_.xOpen = open;
  vfs_.xDelete = remove;
  sqlite3_vfs_register(&vfs_, 1);
}

inline TestVfs::~TestVfs() {
  sqlite3_vfs_unregister(&vfs_);
  sqlite3_vfs_register(real_, 1);
}

inline void TestVfs::fail_after(int calls, Failure failure) {
  calls_left_ = calls;
  failure_ = failure;
  failed_ = false;
}

inline void TestVfs::heal() { calls_left_ = -1; }

inline int TestVfs::next_call(FileEvent::Kind kind) {
  if (calls_left_ < 0 || (kind == FileEvent::Kind::sync) != (failure_ == Failure::failed_sync)) return SQLITE_OK;
  if (calls_left_ > 0) {
    --calls_left_;
    return SQLITE_OK;
  }
  failed_ = true;
  if (failure_ == Failure::failed_sync) return SQLITE_IOERR_FSYNC;
  return failure_ == Failure::disk_full ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

inline int TestVfs::open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  auto* owner = static_cast<TestVfs*>(vfs->pAppData);
  File& ours = File::of(file);
  ours.base.pMethods = nullptr;
  ours.owner = owner;
  ours.real = reinterpret_cast<sqlite3_file*>(&ours + 1);
  const int code = owner->real_->xOpen(owner->real_, name, ours.real, flags, out_flags);
  if (code != SQLITE_OK) return code;
  ours.name = new std::string(std::filesystem::path(name == nullptr ? "" : name).filename().string());
  ours.base.pMethods = methods();
  return SQLITE_OK;
}

inline int TestVfs::remove(sqlite3_vfs* vfs, const char* name, int sync_folder) {
  auto* owner = static_cast<TestVfs*>(vfs->pAppData);
  const int code = owner->real_->xDelete(owner->real_, name, sync_folder);
  if (code == SQLITE_OK)
    owner->events_.push_back(
        {FileEvent::Kind::remove, std::filesystem::path(name == nullptr ? "" : name).filename().string(), 0, {}});
  return code;
}

inline const sqlite3_io_methods* TestVfs::methods() {
  static const sqlite3_io_methods kMethods = [] {
    sqlite3_io_methods m{};
    m.iVersion = 2;  // without memory mapping of the file, which would go past us
    m.xClose = [](sqlite3_file* f) {
      const std::unique_ptr<std::string> name(File::of(f).name);
      return File::of(f).real->pMethods->xClose(File::of(f).real);
    };
    m.xRead = [](sqlite3_file* f, void* into, int size, sqlite3_int64 at) {
      return File::of(f).real->pMethods->xRead(File::of(f).real, into, size, at);
    };
    m.xWrite = [](sqlite3_file* f, const void* from, int size, sqlite3_int64 at) {
      File& file = File::of(f);
      const int failure = file.owner->next_call(FileEvent::Kind::write);
      if (failure == SQLITE_IOERR_WRITE) return failure;
      if (failure == SQLITE_FULL) size /= 2;
      const std::string_view bytes(static_cast<const char*>(from), static_cast<std::size_t>(size));
      file.owner->events_.push_back({FileEvent::Kind::write, *file.name, at, std::string(bytes)});
      const int code = file.real->pMethods->xWrite(file.real, from, size, at);
      return failure != SQLITE_OK ? failure : code;
    };
    m.xTruncate = [](sqlite3_file* f, sqlite3_int64 size) {
      File& file = File::of(f);
      if (file.owner->next_call(FileEvent::Kind::truncate) != SQLITE_OK) return SQLITE_IOERR_TRUNCATE;
      file.owner->events_.push_back({FileEvent::Kind::truncate, *file.name, size, {}});
      return file.real->pMethods->xTruncate(file.real, size);
    };
    m.xSync = [](sqlite3_file* f, int flags) {
      File& file = File::of(f);
      if (const int failure = file.owner->next_call(FileEvent::Kind::sync); failure != SQLITE_OK) return failure;
      file.owner->events_.push_back({FileEvent::Kind::sync, *file.name, 0, {}});
      return file.real->pMethods->xSync(file.real, flags);
    };
    m.xFileSize = [](sqlite3_file* f, sqlite3_int64* size) {
      return File::of(f).real->pMethods->xFileSize(File::of(f).real, size);
    };
    m.xLock = [](sqlite3_file* f, int level) { return File::of(f).real->pMethods->xLock(File::of(f).real, level); };
    m.xUnlock = [](sqlite3_file* f, int level) { return File::of(f).real->pMethods->xUnlock(File::of(f).real, level); };
    m.xCheckReservedLock = [](sqlite3_file* f, int* out) {
      return File::of(f).real->pMethods->xCheckReservedLock(File::of(f).real, out);
    };
    m.xFileControl = [](sqlite3_file* f, int what, void* argument) {
      return File::of(f).real->pMethods->xFileControl(File::of(f).real, what, argument);
    };
    m.xSectorSize = [](sqlite3_file* f) { return File::of(f).real->pMethods->xSectorSize(File::of(f).real); };
    m.xDeviceCharacteristics = [](sqlite3_file* f) {
      return File::of(f).real->pMethods->xDeviceCharacteristics(File::of(f).real);
    };
    m.xShmMap = [](sqlite3_file* f, int page, int size, int extend, void volatile** out) {
      return File::of(f).real->pMethods->xShmMap(File::of(f).real, page, size, extend, out);
    };
    m.xShmLock = [](sqlite3_file* f, int offset, int n, int flags) {
      return File::of(f).real->pMethods->xShmLock(File::of(f).real, offset, n, flags);
    };
    m.xShmBarrier = [](sqlite3_file* f) { File::of(f).real->pMethods->xShmBarrier(File::of(f).real); };
    m.xShmUnmap = [](sqlite3_file* f, int remove) { return File::of(f).real->pMethods->xShmUnmap(File::of(f).real, remove); };
    return m;
  }();
  return &kMethods;
}

inline ReplayedFolder::NamedFile& ReplayedFolder::at(const std::string& name) {
  const auto found = std::ranges::find(files_, name, &NamedFile::name);
  return found != files_.end() ? *found : files_.emplace_back(NamedFile{name, {}});
}

inline void ReplayedFolder::apply(const FileEvent& event) {
  switch (event.kind) {
    case FileEvent::Kind::write: {
      std::string& bytes = at(event.file).bytes;
      const auto offset = static_cast<std::size_t>(event.offset);
      if (bytes.size() < offset + event.bytes.size()) bytes.resize(offset + event.bytes.size());
      bytes.replace(offset, event.bytes.size(), event.bytes);
      return;
    }
    case FileEvent::Kind::truncate:
      at(event.file).bytes.resize(static_cast<std::size_t>(event.offset));
      return;
    case FileEvent::Kind::remove:
      std::erase_if(files_, [&](const NamedFile& file) { return file.name == event.file; });
      return;
    case FileEvent::Kind::sync:
      return;
  }
}

inline void ReplayedFolder::write_to(const std::filesystem::path& folder) const {
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  for (const NamedFile& file : files_) std::ofstream(folder / file.name, std::ios::binary) << file.bytes;
}

}  // namespace ifm::test
