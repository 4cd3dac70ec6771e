// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runs/run_writer.h"

#include "engine/error.h"
#include "engine/runs/atomic_file.h"
#include "engine/runs/file_descriptor.h"
#include "engine/runs/process_identity.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

namespace engine {
namespace {

[[noreturn]] void fail_to_append(const std::filesystem::path& file, int error) {
  fail_to_write(file, error,
                error == ENOSPC || error == EDQUOT ? "Free space and resume the run"
                                                   : "Check the disk and resume the run");
}

/// Offset behind the last newline.
off_t end_of_last_line(const FileDescriptor& file, off_t size) {
  constexpr off_t kBlock = 1 << 16;
  for (off_t end = size; end > 0;) {
    const off_t begin = end > kBlock ? end - kBlock : 0;
    const std::string block = read_at(file, std::uint64_t(begin), std::size_t(end - begin));
    const auto newline = block.rfind('\n');
    if (newline != std::string::npos) return begin + off_t(newline) + 1;
    end = begin;
  }
  return 0;
}

/// Events after which a power cut must not take them back.
bool is_milestone(const RunEventBody& body) {
  return std::holds_alternative<RunStarted>(body) ||
         std::holds_alternative<CheckpointSaved>(body) ||
         std::holds_alternative<RunFinished>(body) || std::holds_alternative<RunFailed>(body);
}

}  // namespace

struct RunWriter::Impl {
  RunFolder folder;
  FileDescriptor events;
  off_t size = 0;
  RunStatus written;
  RunStatus self;
  std::chrono::steady_clock::time_point renewed;

  void restore_deleted_events();
};

RunWriter::RunWriter(RunFolder folder) : impl_(std::make_unique<Impl>()) {
  impl_->folder = std::move(folder);
  const auto file = impl_->folder.events();
  impl_->events = FileDescriptor(open(file.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666));
  struct stat info = {};
  if (!impl_->events || fstat(impl_->events.get(), &info) != 0) fail_to_append(file, errno);
  if (!S_ISREG(info.st_mode)) fail_to_append(file, EINVAL);
  impl_->size = end_of_last_line(impl_->events, info.st_size);
  if (impl_->size < info.st_size && ftruncate(impl_->events.get(), impl_->size) != 0) {
    fail_to_append(file, errno);
  }
  impl_->self.pid = getpid();
  impl_->self.process_start_time = process_start_time(getpid()).value_or(0);
  impl_->self.host = host_name();
}

RunWriter::~RunWriter() = default;
RunWriter::RunWriter(RunWriter&&) noexcept = default;

/// Somebody deleted events.jsonl: what stood in it is still there, for as long as it is open.
void RunWriter::Impl::restore_deleted_events() {
  struct stat info = {};
  if (fstat(events.get(), &info) != 0 || info.st_nlink > 0) return;
  const auto file = folder.events();
  FileDescriptor anew(open(file.c_str(), O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!anew) fail_to_append(file, errno);
  constexpr off_t kBlock = 1 << 20;
  for (off_t done = 0; done < size;) {
    const auto block =
        read_at(events, std::uint64_t(done), std::size_t(std::min(kBlock, size - done)));
    if (block.empty() || !write_all(anew, block)) fail_to_append(file, errno);
    done += off_t(block.size());
  }
  events = std::move(anew);
}

void RunWriter::write(const RunEventBody& body) {
  impl_->restore_deleted_events();
  const std::string line = to_json({unix_time(), body}) + "\n";
  ssize_t count = -1;
  do {
    count = ::write(impl_->events.get(), line.data(), line.size());
  } while (count < 0 && errno == EINTR);
  if (count != ssize_t(line.size())) {
    const int error = count < 0 ? errno : ENOSPC;
    // What got through is half a line: take it back, so that a shorter event may still find room.
    if (count > 0 && ftruncate(impl_->events.get(), impl_->size) != 0) {
      fail_to_append(impl_->folder.events(), errno);
    }
    fail_to_append(impl_->folder.events(), error);
  }
  impl_->size += count;
  if (is_milestone(body) && fdatasync(impl_->events.get()) != 0) {
    fail_to_append(impl_->folder.events(), errno);
  }
}

void RunWriter::set_status(RunState state, std::int64_t step, std::int64_t max_steps,
                           const std::string& granted_request, const std::string& granted_id) {
  RunStatus status = impl_->self;
  status.state = state;
  status.step = step;
  status.max_steps = max_steps;
  status.updated = unix_time();
  status.granted_request =
      granted_request.empty() ? impl_->written.granted_request : granted_request;
  status.granted_id = granted_request.empty() ? impl_->written.granted_id : granted_id;
  const bool is_news = state != impl_->written.state ||
                       status.granted_request != impl_->written.granted_request ||
                       status.granted_id != impl_->written.granted_id;
  replace_file(impl_->folder.status(), to_json(status) + "\n",
               is_news ? ReplaceMode::durable : ReplaceMode::atomic);
  impl_->written = status;
  impl_->renewed = std::chrono::steady_clock::now();
}

void RunWriter::keep_alive() {
  constexpr auto kBeat = std::chrono::seconds(10);
  if (impl_->written.state == RunState::unknown) return;
  if (std::chrono::steady_clock::now() - impl_->renewed < kBeat) return;
  set_status(impl_->written.state, impl_->written.step, impl_->written.max_steps);
}

const RunFolder& RunWriter::folder() const { return impl_->folder; }

}  // namespace engine
