"""What two processes do in test_spread.py: the loss sharded by FSDP2, two steps, the state saved and restored.

Accelerate shards on accelerators alone, so the sharding is torch's own here; loss, optimiser and state are ours.
"""

import json
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from torch.distributed.fsdp import fully_shard

from mgrd.models.checkpoints import load_model
from mgrd.models.render import Renderer
from mgrd.training.adapters import choose_trained
from mgrd.training.batches import render_rows, shard_batch
from mgrd.training.features import FeatureCache
from mgrd.training.loss import WeightedLoss, batch_weight
from mgrd.training.optimizer import build_optimizer
from mgrd.training.state import RunState, trained_parameters
from tests.training.test_resume import ROWS


def sharded_loss(folder: Path) -> tuple[WeightedLoss, torch.optim.Optimizer]:
    model = load_model(folder).model
    choose_trained(model, None, 0)
    module = WeightedLoss(model.train())
    mesh = dist.init_device_mesh("cpu", (dist.get_world_size(),))
    for layer in model.model.language_model.layers:
        fully_shard(layer, mesh=mesh)
    fully_shard(module, mesh=mesh)
    return module, build_optimizer(module.named_parameters(), 1e-2, 0.01)


def main(folder: Path, features: Path, out: Path) -> None:
    dist.init_process_group("gloo")
    loaded = load_model(folder)
    cache = FeatureCache(features, loaded.encoder_sha, "float32")
    batch = render_rows(ROWS, Renderer(loaded.processor), cache)
    own = shard_batch(batch, dist.get_world_size())[dist.get_rank()]
    module, optimizer = sharded_loss(folder)
    state = RunState(out / "run", "key")

    def step(module: WeightedLoss, optimizer: torch.optim.Optimizer) -> float:
        total, _ = module(own, cache)
        optimizer.zero_grad()
        (total * dist.get_world_size() / batch_weight(batch)).backward()
        optimizer.step()
        loss = total.detach() / batch_weight(batch)
        dist.all_reduce(loss)
        return loss.item()

    losses = [step(module, optimizer), step(module, optimizer)]
    state.save(2, {"policy": (module, optimizer)}, {"losses": losses})
    losses.append(step(module, optimizer))
    dist.barrier()
    again, other = sharded_loss(folder)
    found = state.restore({"policy": (again, other)})
    resumed = step(again, other)
    whole = trained_parameters(again)
    if dist.get_rank() == 0:
        norm = sum(float(tensor.norm()) for tensor in whole.values())
        (out / "report.json").write_text(
            json.dumps(
                {
                    "losses": losses,
                    "resumed": resumed,
                    "found": found and (found.step, found.progress),
                    "names": sorted(whole),
                    "norm": norm,
                }
            )
        )
    dist.barrier()  # nobody leaves while another one still talks
    dist.destroy_process_group()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
