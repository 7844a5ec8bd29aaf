"""Pushing an export to the Hugging Face Hub, after checking that it is whole and that it can be read there."""

from dataclasses import dataclass
from pathlib import Path

from mgrd.errors import ConfigError, DataError, StoreError, boundary
from mgrd.export.manifest import MANIFEST, find_faults, read_manifest


@dataclass(frozen=True, slots=True)
class PushPlan:
    """What would be pushed where; `files` are (path, bytes) in path order."""

    directory: Path
    repo: str
    private: bool
    revision: str | None
    fingerprint: str
    files: tuple[tuple[str, int], ...]

    @property
    def bytes(self) -> int:
        return sum(size for _, size in self.files)

    @property
    def document(self) -> dict[str, object]:
        """The plan for scripts."""
        return {
            "repo": self.repo,
            "private": self.private,
            "revision": self.revision,
            "fingerprint": self.fingerprint,
            "files": [{"path": path, "bytes": size} for path, size in self.files],
        }


def plan_push(directory: Path, repo: str, *, private: bool = False, revision: str | None = None) -> PushPlan:
    """Check the export and list its files; nothing leaves the machine.

    Raises ConfigError on a name that is none on the hub, DataError when the export is damaged or names
    audio by paths of this machine.
    """
    from huggingface_hub.utils import HFValidationError, validate_repo_id

    try:
        validate_repo_id(repo)
    except HFValidationError as error:
        raise ConfigError(f"--repo {repo!r} is no data set name, owner/name is: {error}") from error
    if "/" not in repo:
        raise ConfigError(f"--repo {repo!r} has no owner; write owner/name")
    manifest = read_manifest(directory)
    if faults := find_faults(directory):
        raise DataError(f"{directory} is damaged ({faults[0]}); export again into a new folder")
    if manifest.about.get("audio_root") is not None:
        raise DataError(
            f"{directory} names audio by paths of this machine ({manifest.about['audio_root']}); "
            "export with --embed-audio to publish it"
        )
    sizes = [(entry.path, entry.bytes) for entry in manifest.files]
    sizes.append((MANIFEST, (directory / MANIFEST).stat().st_size))
    return PushPlan(directory, repo, private, revision, manifest.fingerprint, tuple(sorted(sizes)))


def push(plan: PushPlan) -> str:
    """Push the files in one commit and return its address. Raises StoreError with the hub's own words."""
    import huggingface_hub

    with boundary(
        StoreError, f"pushing {plan.directory} to {plan.repo}; check HF_TOKEN, its right to write, and the network"
    ):
        api = huggingface_hub.HfApi()
        api.create_repo(plan.repo, repo_type="dataset", private=plan.private, exist_ok=True)
        if plan.revision is not None:
            api.create_branch(plan.repo, repo_type="dataset", branch=plan.revision, exist_ok=True)
        commit = api.upload_folder(
            folder_path=plan.directory,
            repo_id=plan.repo,
            repo_type="dataset",
            revision=plan.revision,
            allow_patterns=[path for path, _ in plan.files],
            commit_message=f"mgrd export {plan.fingerprint}",
        )
    return str(commit)
