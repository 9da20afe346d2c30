using FsCheck.Xunit;
using Tulu2.Collectives;
using Tulu2.Training.Slots;
using Xunit;

namespace Tulu2.Tests.Training.Slots;

public class PipelineScheduleTests
{
    [Property(MaxTest = 200)]
    public void Every_slot_goes_forward_once_and_then_backward_once_with_few_in_flight(byte drawnStages, byte drawnStage, byte drawnSlots)
    {
        var stages = 1 + drawnStages % 12;
        var (stage, slots) = (drawnStage % stages, drawnSlots % 40);
        var actions = PipelineSchedule.Of(stage, stages, slots).ToArray();
        Assert.Equal(Enumerable.Range(0, slots), actions.Where(action => action.IsForward).Select(action => action.Index));
        Assert.Equal(Enumerable.Range(0, slots), actions.Where(action => !action.IsForward).Select(action => action.Index));
        int forward = 0, backward = 0;
        foreach (var action in actions)
        {
            if (action.IsForward) forward++;
            else backward++;
            Assert.InRange(forward - backward, 0, stages - stage);
        }
    }

    [Property(MaxTest = 200)]
    public void Stages_that_do_their_orders_never_wait_for_each_other_in_a_circle(byte drawnStages, byte drawnSlots, int seed)
    {
        var (stages, slots) = (1 + drawnStages % 12, drawnSlots % 40);
        var random = new Random(seed);
        var todo = Enumerable.Range(0, stages).Select(stage => new Queue<PipelineAction>(PipelineSchedule.Of(stage, stages, slots))).ToArray();
        var queues = new Dictionary<(int From, int To), Queue<int>>();
        while (todo.Any(actions => actions.Count > 0))
        {
            // Any stage that can do its next action may be the next one.
            var able = Enumerable.Range(0, stages).Where(Able).ToArray();
            Assert.NotEmpty(able);
            Do(able[random.Next(able.Length)]);
        }

        (int? From, int? To) Ends(int stage, bool forward)
        {
            int? before = stage > 0 ? stage - 1 : null, after = stage + 1 < stages ? stage + 1 : null;
            return forward ? (before, after) : (after, before);
        }

        Queue<int> Messages(int from, int to) => queues.TryGetValue((from, to), out var found) ? found : queues[(from, to)] = new Queue<int>();

        bool Able(int stage)
        {
            if (!todo[stage].TryPeek(out var action)) return false;
            var (from, to) = Ends(stage, action.IsForward);
            if (from is { } sender && !Messages(sender, stage).TryPeek(out _)) return false;
            return to is not { } receiver || Messages(stage, receiver).Count < ICollective.SendWindow;
        }

        void Do(int stage)
        {
            var action = todo[stage].Dequeue();
            var (from, to) = Ends(stage, action.IsForward);
            if (from is { } sender) Assert.Equal(action.Index, Messages(sender, stage).Dequeue());
            if (to is { } receiver) Messages(stage, receiver).Enqueue(action.Index);
        }
    }
}
