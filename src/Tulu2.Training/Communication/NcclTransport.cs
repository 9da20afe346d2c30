using Tulu2.Collectives;
using Tulu2.Collectives.Nccl;
using Tulu2.Models.Torch;
using Tulu2.Training.Recipes;

namespace Tulu2.Training.Communication;

/// <summary>A rank's NCCL over its tensor group: one communicator a generation, aborted with the generation's collective.</summary>
/// <param name="bitwise">Sums by the fixed tree; else in NCCL's own order.</param>
/// <param name="join">Replaced in tests.</param>
internal sealed class NcclTransport(bool bitwise, TimeSpan deadline, Func<ICollective, TimeSpan, Action<NcclGroups>, NcclGroups> join) : IDisposable
{
    private NcclGroups? _groups;

    /// <returns>Null: the recipe has another transport, or no sums over ranks.</returns>
    public static NcclTransport? Of(ParallelRecipe parallel, int tensorDegree, TimeSpan deadline) =>
        parallel.Transport == RankTransport.Nccl && tensorDegree > 1 ? new(parallel.Bitwise, deadline, NcclShardSum.Join) : null;

    /// <summary>Every rank of the group calls this once a generation.</summary>
    /// <param name="abortWith">Registers an action to run when the generation's collective is aborted.</param>
    public IShardSum Join(ICollective tensorGroup, Action<Action<string>> abortWith)
    {
        Dispose();
        var groups = join(tensorGroup, deadline, made =>
        {
            _groups = made;
            abortWith(made.Abort);
        });
        return new NcclShardSum(groups.Group([.. Enumerable.Range(0, tensorGroup.Size)]), bitwise, deadline);
    }

    public void Dispose()
    {
        _groups?.Dispose();
        _groups = null;
    }
}
