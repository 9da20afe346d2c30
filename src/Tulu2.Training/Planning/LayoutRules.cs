using System.Numerics;
using Tulu2.Collectives.Layout;
using Tulu2.Files;
using Tulu2.Models.Families;
using Tulu2.Models.Parameters;
using Tulu2.Training.Recipes;

namespace Tulu2.Training.Planning;

/// <summary>Resolves and checks a recipe's layout, given the model's shape and the number of slots. Pure.</summary>
public static class LayoutRules
{
    /// <summary>
    /// The number of virtual shards in effect: the recipe's, lowered where the model's dimensions require it. The tensor degree must divide it; if it does not,
    /// <c>parallel.bitwise: false</c> allows one virtual shard per tensor-parallel rank.
    /// </summary>
    /// <param name="fault">Creates the error for a key: (key, what, fix).</param>
    /// <exception cref="BadInputException">The model cannot be cut for the tensor degree.</exception>
    public static int VirtualShards(ParallelRecipe parallel, ModelConfig config, Func<string, string, string, BadInputException> fault)
    {
        var tensor = parallel.Tensor;
        var aligned = ParameterMap.LargestVirtualShards(config, parallel.VirtualShards);
        if (aligned % tensor == 0) return aligned;
        var most = ParameterMap.LargestVirtualShards(config, 1 << 20);
        if (parallel.Bitwise)
            throw fault("parallel.tensor", $"{tensor} ranks cannot share {NumberText.Count(aligned, "virtual shard")}: virtual shards are what makes their result one rank's to the last bit",
                most > aligned && most % tensor == 0 ? $"use parallel.virtual_shards: {tensor}, or a tensor degree that divides {aligned}"
                : $"use a tensor degree that divides {aligned}, or parallel.bitwise: false");
        if (!BitOperations.IsPow2(tensor) || config.Heads % tensor != 0 || config.KeyValueHeads % tensor != 0 || config.IntermediateSize % tensor != 0)
            throw fault("parallel.tensor",
                $"{tensor} ranks cannot share {config.Heads} heads, {config.KeyValueHeads} key-value heads and a width of {config.IntermediateSize}",
                "use a power of two that divides all of them");
        return tensor;
    }

    /// <summary>Refuses settings that do not work with ranks as threads of one process.</summary>
    /// <exception cref="BadInputException">The transport is NCCL, which needs a process for each GPU.</exception>
    public static void CheckThreads(ParallelRecipe parallel, Func<string, string, string, BadInputException> fault)
    {
        if (parallel.Transport == RankTransport.Nccl)
            throw fault("parallel.transport", "nccl needs a process for each rank, but the ranks are threads of one process", "run without --in-process, or use parallel.transport: auto");
    }

    /// <summary>The layout of the ranks.</summary>
    /// <param name="slots">Slots per step.</param>
    /// <param name="processors">Maximum number of ranks if the recipe does not set the number of replicas.</param>
    /// <exception cref="BadInputException">There are more stages than layers, or a model with a tied head has several stages.</exception>
    public static ParallelLayout Layout(
        ParallelRecipe parallel, ModelConfig config, int slots, int processors, Func<string, string, string, BadInputException> fault)
    {
        if (LayoutProof.Stages(config, parallel.Pipeline) is { Holds: false } stages) throw fault("parallel.pipeline", stages.Detail, stages.Fix!);
        var data = parallel.Data;
        if (data == 0)
        {
            var room = Math.Clamp(processors / (parallel.Tensor * parallel.Pipeline), 1, slots);
            data = Math.Max(1, room / parallel.Zero) * parallel.Zero;
        }
        return new ParallelLayout(data, parallel.Tensor, parallel.Pipeline, parallel.Zero);
    }
}
