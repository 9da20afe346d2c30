using Tulu2.Cluster.Ranks;
using Tulu2.Data.Slots;

namespace Tulu2.Runs.Preparation;

/// <summary>The reference passes over the training pairs and over the validation pairs as one: the chunks of the first, then those of the second.</summary>
internal sealed class ReferencePasses(ReferencePlan training, ReferencePlan validation) : IReferencePlan
{
    public int Chunks => training.Chunks + validation.Chunks;

    public bool IsDone(int chunk)
    {
        var (plan, number) = Of(chunk);
        return plan.IsDone(number);
    }

    public SlotBatch Read(int chunk)
    {
        var (plan, number) = Of(chunk);
        return plan.Read(number);
    }

    public void Store(int chunk, float[] logProbabilities)
    {
        var (plan, number) = Of(chunk);
        plan.Store(number, logProbabilities);
    }

    public void Complete()
    {
        training.Complete();
        validation.Complete();
    }

    private (ReferencePlan Plan, int Chunk) Of(int chunk) => chunk < training.Chunks ? (training, chunk) : (validation, chunk - training.Chunks);
}
