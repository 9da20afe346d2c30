using System.Runtime.InteropServices;
using Tulu2.Collectives;
using Tulu2.Models.Torch;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;
using Tulu2.Training.Ranks;
using Tulu2.Training.Recipes;
using Tulu2.Training.Workers;

namespace Tulu2.Training.Hosting;

/// <summary>The body of <c>tulu2 worker --socket PATH</c>: the worker's side of the channel. Does not depend on actors.</summary>
public static class WorkerProcess
{
    /// <summary>Computes for one rank until its node sends the shutdown command or is gone for good. A spare gets ready first, and waits for its rank.</summary>
    /// <param name="socket">Path of the node's socket.</param>
    /// <param name="folder">Where a successor of the node's process finds this one; null: there is none.</param>
    /// <param name="dataPlaneOf">Opens this worker's end of the run's data plane.</param>
    /// <param name="warmUp">Gets a spare ready for ranks of a recipe.</param>
    /// <returns>The exit code.</returns>
    public static int Run(string socket, AdoptionFolder? folder, Func<WorkerStart, ICollectiveFactory> dataPlaneOf, Action<Recipe> warmUp)
    {
        var parent = ParentChannel.Open(socket, WorkerStartCodec.ChannelCodecs, new WorkerReport.Alive());
        var first = parent.ReadStart<object>();
        if (first is WorkerWarmUp warm)
        {
            warmUp(warm.Run.Recipe);
            first = parent.ReadStart<object>();
        }
        if (first is WorkerCommand.Shutdown) return 0;
        if (first is not WorkerStart start) return ParentChannel.Orphaned;
        if (folder is not null && Adoption.TryCreate(folder) is { } adoption) parent.OutliveNode(adoption, new WorkerIntroduction(start.Rank, start.IndexOnNode, WorkerStartCodec.HashOf(start)));
        var mailbox = new Mailbox();
        parent.Listen<WorkerCommand>(mailbox.Post);
        using var terminated = LetGo(parent);
        return Compute(start, mailbox, parent, dataPlaneOf) ? 0 : 1;
    }

    // Whoever ends a machine says so some time before: the step under way is made first. A second signal ends the process at once.
    private static PosixSignalRegistration LetGo(ParentChannel parent)
    {
        var told = false;
        return PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal =>
        {
            if (told) return;
            signal.Cancel = told = true;
            parent.SendLasting(new WorkerReport.Leaving("it was told to end (SIGTERM)"));
        });
    }

    private static bool Compute(WorkerStart start, Mailbox mailbox, ParentChannel parent, Func<WorkerStart, ICollectiveFactory> dataPlaneOf)
    {
        var sound = true;
        void Report(WorkerReport report)
        {
            sound &= report is not WorkerReport.Failed;
            if (report is WorkerReport.Started) parent.SendReady(report);
            else parent.Send(report);
        }
        TorchRuntime.EnterRankThread();
        ICollectiveFactory? dataPlane = null;
        try
        {
            dataPlane = dataPlaneOf(start);
            var settings = new WorkerSettings
            {
                Recipe = start.Recipe,
                Schedules = start.Schedules,
                Sources = start.Sources,
                Parameters = RunParameters.Of(start.Recipe, start.Model, start.VirtualShards),
                Parallel = start.Parallel,
                IndexOnNode = start.IndexOnNode,
                Plan = start.Batches,
                DataPlane = dataPlane,
                CheckpointDirectory = start.CheckpointDirectory,
                References = start.Reference is { } reference ? reference.Open : null,
                CollectiveDeadline = start.CollectiveDeadline,
            };
            WorkerLoop.Run(settings, start.Rank, mailbox, Report, EmbeddedWorkerFactory.ComputerOf(settings));
        }
        catch (Exception fault)
        {
            Report(WorkerReport.Failed.Of(Generation.None, start.Rank, fault));
        }
        finally
        {
            (dataPlane as IDisposable)?.Dispose();
        }
        return sound;
    }
}
