#pragma once
// A disk that is full, or fails, when the test says so. Only for the write-ahead log: that is where a put ends.

#include <atomic>

#include <rocksdb/env.h>

namespace melder::server::test {

struct DiskTrouble {
    std::atomic<bool> full = false;        ///< ENOSPC
    std::atomic<bool> sync_fails = false;  ///< EIO of fdatasync: what was written may or may not be there
    std::atomic<int> refused = 0;          ///< how often either struck
    std::atomic<int> syncs = 0;
};

class TroubledFile final : public rocksdb::WritableFileWrapper {
public:
    TroubledFile(std::unique_ptr<rocksdb::WritableFile> file, DiskTrouble& trouble)
        : rocksdb::WritableFileWrapper(file.get()), file_(std::move(file)), trouble_(trouble) {}
    rocksdb::Status Append(const rocksdb::Slice& data) override {
        return trouble_.full ? refuse(rocksdb::Status::NoSpace()) : file_->Append(data);
    }
    rocksdb::Status Append(const rocksdb::Slice& data, const rocksdb::DataVerificationInfo&) override {
        return Append(data);
    }
    rocksdb::Status Sync() override {
        ++trouble_.syncs;
        return trouble_.sync_fails ? refuse(rocksdb::Status::IOError("sync")) : file_->Sync();
    }
    rocksdb::Status Fsync() override { return Sync(); }

private:
    rocksdb::Status refuse(rocksdb::Status status) {
        ++trouble_.refused;
        return status;
    }
    std::unique_ptr<rocksdb::WritableFile> file_;
    DiskTrouble& trouble_;
};

class TroubledEnv final : public rocksdb::EnvWrapper {
public:
    explicit TroubledEnv(DiskTrouble& trouble) : rocksdb::EnvWrapper(rocksdb::Env::Default()), trouble_(trouble) {}
    rocksdb::Status NewWritableFile(const std::string& name, std::unique_ptr<rocksdb::WritableFile>* out,
                                    const rocksdb::EnvOptions& options) override {
        auto status = target()->NewWritableFile(name, out, options);
        if (status.ok() && name.ends_with(".log")) *out = std::make_unique<TroubledFile>(std::move(*out), trouble_);
        return status;
    }

private:
    DiskTrouble& trouble_;
};

}  // namespace melder::server::test
