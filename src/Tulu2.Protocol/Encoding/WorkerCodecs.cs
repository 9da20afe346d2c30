using MessagePack;
using Tulu2.Checkpoints;
using Tulu2.Collectives;
using Tulu2.Data.Slots;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;
using static Tulu2.Protocol.Encoding.WireFields;

namespace Tulu2.Protocol.Encoding;

/// <summary>The worker protocol as bytes: between a node and its worker processes all of it, between nodes the small messages only.</summary>
public static class WorkerCodecs
{
    // Items that a batch is written as.
    private const int BatchFields = 14;

    /// <summary>What the supervisor tells ranks and hears from them, also on other nodes.</summary>
    public static IReadOnlyList<WireCodec> BetweenNodes { get; } =
    [
        WireCodec.For("cj", 4,
            (ref MessagePackWriter w, WorkerCommand.JoinGeneration m) => { w.Write(m.Generation); w.Write(m.Rank); Texts(ref w, m.Endpoints); Ranks(ref w, m.Ranks); },
            (ref MessagePackReader r) => new WorkerCommand.JoinGeneration(r.ReadGeneration(), r.ReadRank(), Texts(ref r)) { Ranks = Ranks(ref r) }),
        WireCodec.For("cb", 9,
            (ref MessagePackWriter w, WorkerCommand.Begin m) =>
            {
                w.Write(m.Generation);
                w.Write(m.Step);
                Transfer(ref w, m.Transfer);
                Ranges(ref w, m.Keep);
                Ranges(ref w, m.Compute);
                Standby(ref w, m.Standby);
                List(ref w, m.LeftOut, (ref MessagePackWriter v, StepSlot left) => { v.Write(left.Step); v.Write(left.Slot); });
                Check(ref w, m.Check);
                List(ref w, m.PassedOver, (ref MessagePackWriter v, StepRange steps) => { v.Write(steps.First); v.Write(steps.Last); });
            },
            (ref MessagePackReader r) => new WorkerCommand.Begin(r.ReadGeneration(), r.ReadStep(), Transfer(ref r), Ranges(ref r), Ranges(ref r))
            {
                Standby = Standby(ref r),
                LeftOut = List(ref r, (ref MessagePackReader v) => new StepSlot(v.ReadStep(), v.ReadSlot())),
                Check = Check(ref r),
                PassedOver = List(ref r, (ref MessagePackReader v) => new StepRange(v.ReadStep(), v.ReadStep())),
            }),
        WireCodec.For("cc", 5,
            (ref MessagePackWriter w, WorkerCommand.Commit m) =>
            {
                w.Write(m.Generation);
                w.Write(m.Step);
                w.Write(m.Snapshot);
                w.Write((int)m.Then);
                Check(ref w, m.CheckNext);
            },
            (ref MessagePackReader r) => new WorkerCommand.Commit(r.ReadGeneration(), r.ReadStep(), r.ReadBoolean(), (AfterCommit)r.ReadInt32()) { CheckNext = Check(ref r) }),
        WireCodec.For("ct", 4,
            (ref MessagePackWriter w, WorkerCommand.Restore m) => { w.Write(m.Generation); w.Write(m.Step); Transfer(ref w, m.Transfer); Standby(ref w, m.Standby); },
            (ref MessagePackReader r) => new WorkerCommand.Restore(r.ReadGeneration(), r.ReadStep(), Transfer(ref r)) { Standby = Standby(ref r) }),

        WireCodec.For("wj", 7,
            (ref MessagePackWriter w, WorkerReport.Joined m) =>
            {
                w.Write(m.Generation);
                w.Write(m.Rank);
                w.Write(m.StateStep);
                Ranges(ref w, m.Held);
                w.Write(m.Reduced);
                List(ref w, m.Keeps is { } kept ? [kept] : [], (ref MessagePackWriter v, StandbyCopy copy) => { v.Write(copy.Of); v.Write(copy.Step); });
                w.Write(m.Since);
            },
            (ref MessagePackReader r) => new WorkerReport.Joined(r.ReadGeneration(), r.ReadRank(), r.ReadStep(), Ranges(ref r), r.ReadString())
            {
                Keeps = List(ref r, (ref MessagePackReader v) => new StandbyCopy(v.ReadRank(), v.ReadStep())).SingleOrDefault(),
                Since = r.ReadGeneration(),
            }),
        WireCodec.For("wb", 4,
            (ref MessagePackWriter w, WorkerReport.SlotBegun m) => { w.Write(m.Generation); w.Write(m.Rank); w.Write(m.Step); w.Write(m.Slot); },
            (ref MessagePackReader r) => new WorkerReport.SlotBegun(r.ReadGeneration(), r.ReadRank(), r.ReadStep(), r.ReadSlot())),
        WireCodec.For("wd", 5,
            (ref MessagePackWriter w, WorkerReport.SlotDone m) =>
            {
                w.Write(m.Generation);
                w.Write(m.Rank);
                w.Write(m.Step);
                w.Write(m.Slot);
                w.Write(m.Seconds);
            },
            (ref MessagePackReader r) => new WorkerReport.SlotDone(r.ReadGeneration(), r.ReadRank(), r.ReadStep(), r.ReadSlot(), r.ReadDouble())),
        WireCodec.For("wr", 10,
            (ref MessagePackWriter w, WorkerReport.StepReady m) =>
            {
                w.Write(m.Generation);
                w.Write(m.Rank);
                w.Write(m.Step);
                Text(ref w, m.GradientHash);
                Metrics(ref w, m.Metrics);
                Times(ref w, m.Times);
                List<StepFault>(ref w, m.Fault is { } fault ? [fault] : [], Fault);
                List(ref w, m.Checked is { } done ? [done] : [], (ref MessagePackWriter v, CheckedSlot slot) => { v.Write(slot.Slot); v.Write(slot.Own); v.Write(slot.Again); });
                w.Write(m.Times.Stall);
                w.Write(m.Times.Transfer);
            },
            (ref MessagePackReader r) =>
            {
                var ready = new WorkerReport.StepReady(r.ReadGeneration(), r.ReadRank(), r.ReadStep(), Text(ref r), Metrics(ref r), Times(ref r))
                {
                    Fault = List<StepFault>(ref r, Fault).SingleOrDefault(),
                    Checked = List(ref r, (ref MessagePackReader v) => new CheckedSlot(v.ReadSlot(), v.ReadString(), v.ReadString())).SingleOrDefault(),
                };
                return ready with { Times = ready.Times with { Stall = r.ReadDouble(), Transfer = r.ReadDouble() } };
            }),
        WireCodec.For("wa", 6,
            (ref MessagePackWriter w, WorkerReport.Applied m) =>
            {
                w.Write(m.Generation);
                w.Write(m.Rank);
                w.Write(m.Step);
                w.Write(m.Seconds);
                w.Write((int)m.Then);
                Text(ref w, m.ParametersSha256);
            },
            (ref MessagePackReader r) => new WorkerReport.Applied(r.ReadGeneration(), r.ReadRank(), r.ReadStep(), r.ReadDouble(), (AfterCommit)r.ReadInt32(), r.ReadString())),
        WireCodec.For("ws", 5,
            (ref MessagePackWriter w, WorkerReport.Scored m) =>
            {
                w.Write(m.Generation);
                w.Write(m.Rank);
                w.Write(m.Step);
                w.Write(m.Task);
                List(ref w, m.LogProbabilities, (ref MessagePackWriter v, float value) => v.Write(value));
            },
            (ref MessagePackReader r) => new WorkerReport.Scored(r.ReadGeneration(), r.ReadRank(), r.ReadStep(), r.ReadInt32(),
                [.. List(ref r, (ref MessagePackReader v) => v.ReadSingle())])),
    ];

    /// <summary>Commands and reports, batches and lists of tensors included.</summary>
    public static IReadOnlyList<WireCodec> All { get; } =
    [
        .. BetweenNodes,
        WireCodec.For("cf", BatchFields,
            (ref MessagePackWriter w, WorkerCommand.Feed m) => Batch(ref w, m.Batch),
            (ref MessagePackReader r) => new WorkerCommand.Feed(Batch(ref r))),
        WireCodec.For("cs", 3 + BatchFields,
            (ref MessagePackWriter w, WorkerCommand.Score m) => { w.Write(m.Generation); w.Write(m.Step); w.Write(m.Task); Batch(ref w, m.Batch); },
            (ref MessagePackReader r) => new WorkerCommand.Score(r.ReadGeneration(), r.ReadStep(), r.ReadInt32(), Batch(ref r))),
        WireCodec.For("cx", 0, (ref MessagePackWriter _, WorkerCommand.Shutdown _) => { }, (ref MessagePackReader _) => new WorkerCommand.Shutdown()),

        WireCodec.For("wu", 1,
            (ref MessagePackWriter w, WorkerReport.Started m) => Text(ref w, m.Endpoint),
            (ref MessagePackReader r) => new WorkerReport.Started(Text(ref r))),
        WireCodec.For("wv", 1,
            (ref MessagePackWriter w, WorkerReport.Leaving m) => Text(ref w, m.Why),
            (ref MessagePackReader r) => new WorkerReport.Leaving(Text(ref r))),
        WireCodec.For("wl", 0, (ref MessagePackWriter _, WorkerReport.Alive _) => { }, (ref MessagePackReader _) => new WorkerReport.Alive()),
        WireCodec.For("wk", 5,
            (ref MessagePackWriter w, WorkerReport.ShardWritten m) =>
            {
                w.Write(m.Rank);
                w.Write(m.Step);
                w.Write(m.Shard.Sha256);
                w.Write(m.Shard.Bytes);
                List(ref w, m.Shard.Tensors, Tensor);
            },
            (ref MessagePackReader r) => new WorkerReport.ShardWritten(
                r.ReadRank(), r.ReadStep(), new ShardEntry(Text(ref r), r.ReadInt64(), List(ref r, Tensor)))),
        WireCodec.For("we", 3,
            (ref MessagePackWriter w, WorkerReport.SnapshotFailed m) => { w.Write(m.Rank); w.Write(m.Step); Text(ref w, m.Error); },
            (ref MessagePackReader r) => new WorkerReport.SnapshotFailed(r.ReadRank(), r.ReadStep(), Text(ref r))),
        WireCodec.For("wt", 3,
            (ref MessagePackWriter w, WorkerReport.SnapshotTaken m) => { w.Write(m.Rank); w.Write(m.Step); w.Write(m.Seconds); },
            (ref MessagePackReader r) => new WorkerReport.SnapshotTaken(r.ReadRank(), r.ReadStep(), r.ReadDouble())),
        WireCodec.For("wf", 7,
            (ref MessagePackWriter w, WorkerReport.Failed m) =>
            {
                w.Write(m.Generation);
                w.Write(m.Rank);
                Text(ref w, m.Error);
                Text(ref w, m.Detail);
                Text(ref w, m.BadInputWhere);
                Text(ref w, m.BadInputFix);
                w.Write(m.OfMemory);
            },
            (ref MessagePackReader r) => new WorkerReport.Failed(r.ReadGeneration(), r.ReadRank(), Text(ref r), Text(ref r), r.ReadString(), r.ReadString())
            {
                OfMemory = r.ReadBoolean(),
            }),
    ];

    public static void Tensor(ref MessagePackWriter writer, ShardTensor tensor)
    {
        writer.Write((int)tensor.Kind);
        writer.Write(tensor.Slice.Name);
        Numbers(ref writer, tensor.Slice.Shape);
        Numbers(ref writer, tensor.Slice.Begin);
        Numbers(ref writer, tensor.Slice.Size);
    }

    public static ShardTensor Tensor(ref MessagePackReader reader) =>
        new((StateKind)reader.ReadInt32(), new TensorSlice(Text(ref reader), Numbers(ref reader), Numbers(ref reader), Numbers(ref reader)));

    private static void Batch(ref MessagePackWriter writer, SlotBatch batch)
    {
        writer.Write(batch.Step);
        writer.Write(batch.Slot);
        writer.Write(batch.Tokens);
        foreach (var numbers in new[]
        {
            batch.Ids, batch.Positions, batch.SegmentLengths, batch.ScoredRows, batch.Targets, batch.ScoredSegments, batch.Sequences,
            batch.Prefixes,
        })
            List(ref writer, numbers, (ref MessagePackWriter w, int number) => w.Write(number));
        List(ref writer, batch.Desirable, (ref MessagePackWriter w, bool label) => w.Write(label));
        List(ref writer, batch.Mismatched is { } mismatched ? [mismatched] : [], (ref MessagePackWriter w, SlotBatch beside) =>
        {
            w.WriteArrayHeader(BatchFields);
            Batch(ref w, beside);
        });
        writer.Write(batch.Divergence);
    }

    private static SlotBatch Batch(ref MessagePackReader reader)
    {
        int step = reader.ReadInt32(), slot = reader.ReadInt32(), tokens = reader.ReadInt32();
        return new SlotBatch(step, slot, Numbers(ref reader), Numbers(ref reader), Numbers(ref reader), Numbers(ref reader), Numbers(ref reader),
            Numbers(ref reader), Numbers(ref reader), tokens)
        {
            Prefixes = Numbers(ref reader),
            Desirable = [.. List(ref reader, (ref MessagePackReader r) => r.ReadBoolean())],
            Mismatched = List(ref reader, Beside).SingleOrDefault(),
            Divergence = reader.ReadDouble(),
        };

        static SlotBatch Beside(ref MessagePackReader r) =>
            r.ReadArrayHeader() == BatchFields ? Batch(ref r) : throw new MessagePackSerializationException($"a batch has {BatchFields} fields");

        static int[] Numbers(ref MessagePackReader r) => [.. List(ref r, (ref MessagePackReader v) => v.ReadInt32())];
    }

    private static void Ranges(ref MessagePackWriter writer, IReadOnlyList<SlotRange> ranges) =>
        List(ref writer, ranges, (ref MessagePackWriter w, SlotRange range) => { w.Write(range.First); w.Write(range.Count); });

    private static IReadOnlyList<SlotRange> Ranges(ref MessagePackReader reader) =>
        List(ref reader, (ref MessagePackReader r) => new SlotRange(r.ReadInt32(), r.ReadInt32()));

    private static void Check(ref MessagePackWriter writer, SlotCheck? check) => List(ref writer, check is null ? [] : [check], (ref MessagePackWriter w, SlotCheck one) =>
    {
        w.Write(one.Slot);
        List(ref w, one.Replicas, (ref MessagePackWriter v, int replica) => v.Write(replica));
    });

    private static SlotCheck? Check(ref MessagePackReader reader) =>
        List(ref reader, (ref MessagePackReader r) => new SlotCheck(r.ReadSlot(), List(ref r, (ref MessagePackReader v) => v.ReadInt32()))).SingleOrDefault();

    private static void Standby(ref MessagePackWriter writer, StandbyOrder order)
    {
        Ranks(ref writer, order.Keepers);
        Ranks(ref writer, order.Renewed);
    }

    private static StandbyOrder Standby(ref MessagePackReader reader) => new(Ranks(ref reader), Ranks(ref reader));

    private static void Ranks(ref MessagePackWriter writer, IReadOnlyList<Rank> ranks) => List(ref writer, ranks, (ref MessagePackWriter w, Rank rank) => w.Write(rank));

    private static IReadOnlyList<Rank> Ranks(ref MessagePackReader reader) => List(ref reader, (ref MessagePackReader r) => r.ReadRank());

    private static void Transfer(ref MessagePackWriter writer, StateTransfer transfer)
    {
        switch (transfer)
        {
            case StateTransfer.None:
                writer.Write(0);
                break;
            case StateTransfer.FromRecipe:
                writer.Write(1);
                break;
            case StateTransfer.FromManifest manifest:
                writer.Write(2);
                writer.Write(manifest.Path);
                break;
            case StateTransfer.FromPeer peer:
                writer.Write(3);
                List(ref writer, peer.Copies, (ref MessagePackWriter w, PeerCopy copy) =>
                {
                    w.Write(copy.Root);
                    List(ref w, copy.Receivers, (ref MessagePackWriter inner, Rank receiver) => inner.Write(receiver));
                });
                break;
        }
    }

    private static StateTransfer Transfer(ref MessagePackReader reader) => reader.ReadInt32() switch
    {
        0 => new StateTransfer.None(),
        1 => new StateTransfer.FromRecipe(),
        2 => new StateTransfer.FromManifest(Text(ref reader)),
        3 => new StateTransfer.FromPeer(List(ref reader, (ref MessagePackReader r) =>
            new PeerCopy(r.ReadRank(), List(ref r, (ref MessagePackReader inner) => inner.ReadRank())))),
        var kind => throw new MessagePackSerializationException($"unknown state transfer {kind}"),
    };

    private static void Metrics(ref MessagePackWriter writer, StepMetrics metrics)
    {
        writer.Write(metrics.Loss);
        writer.Write(metrics.GradientNorm);
        writer.Write(metrics.LearningRate);
        writer.Write(metrics.Tokens);
        writer.Write(metrics.LossTokens);
        List(ref writer, metrics.More, (ref MessagePackWriter w, NamedValue value) => { Text(ref w, value.Name); w.Write(value.Value); });
    }

    private static StepMetrics Metrics(ref MessagePackReader r) => new(r.ReadDouble(), r.ReadDouble(), r.ReadDouble(), r.ReadInt64(), r.ReadInt64(),
        [.. List(ref r, (ref MessagePackReader v) => new NamedValue(Text(ref v), v.ReadDouble()))]);

    private static void Fault(ref MessagePackWriter writer, StepFault fault)
    {
        Text(ref writer, fault.What);
        List(ref writer, fault.Slots, (ref MessagePackWriter w, SlotNumber slot) => w.Write(slot));
    }

    private static StepFault Fault(ref MessagePackReader reader) => new(Text(ref reader), List(ref reader, (ref MessagePackReader r) => r.ReadSlot()));

    private static void Times(ref MessagePackWriter writer, StepTimes times)
    {
        writer.Write(times.Compute);
        writer.Write(times.WaitForData);
        writer.Write(times.Reduce);
        writer.Write(times.WaitForCommit);
        writer.Write(times.TensorSums);
        writer.Write(times.WaitForStage);
        writer.Write(times.ReduceBeside);
    }

    private static StepTimes Times(ref MessagePackReader r) =>
        new(r.ReadDouble(), r.ReadDouble(), r.ReadDouble(), r.ReadDouble(), r.ReadDouble(), r.ReadDouble(), r.ReadDouble());
}
