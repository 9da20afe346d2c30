using System.Numerics;
using Tulu2.Collectives.Layout;
using Tulu2.Files;
using Tulu2.Models.Families;
using Tulu2.Models.Parameters;
using Tulu2.Training.Recipes;

namespace Tulu2.Training.Planning;

/// <summary>What makes sense of a recipe's layout once the model's shape and the number of slots are known. Pure.</summary>
public static class LayoutRules
{
    /// <summary>
    /// The virtual shards that are used: as many of those asked for as the model's dimensions allow, which the tensor degree has to divide. With
    /// <c>parallel.bitwise: false</c> as many as there are tensor-parallel ranks, where fewer would be aligned.
    /// </summary>
    /// <param name="fault">Makes the complaint about a key: (key, what, fix).</param>
    /// <exception cref="BadInputException">A tensor degree that the model cannot be cut for.</exception>
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

    /// <summary>What ranks that are threads of one process cannot do.</summary>
    /// <exception cref="BadInputException">NCCL, which wants a process for each GPU.</exception>
    public static void CheckThreads(ParallelRecipe parallel, Func<string, string, string, BadInputException> fault)
    {
        if (parallel.Transport == RankTransport.Nccl)
            throw fault("parallel.transport", "nccl wants a process for each rank, and these are threads of one", "run without --in-process, or use parallel.transport: auto");
    }

    /// <summary>Where the ranks stand.</summary>
    /// <param name="slots">Slots of a step.</param>
    /// <param name="processors">For how many ranks there is room, where the recipe leaves the number of replicas open.</param>
    /// <exception cref="BadInputException">More stages than layers, a tied model in stages.</exception>
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
