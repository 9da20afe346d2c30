using FsCheck.Xunit;
using Tulu2.Protocol.WorkQueues;
using Xunit;

namespace Tulu2.Tests.Protocol.WorkQueues;

public sealed class LeaseQueueSpec
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public void An_expired_lease_goes_to_another_worker_and_the_first_outcome_counts()
    {
        var queue = LeaseQueue<string>.Of(["work"], maxAttempts: 3);
        (queue, var first) = queue.Take("a", TimeSpan.Zero, Second);
        Assert.Equal(new Lease<string>(0, 1, "work"), first);
        Assert.Null(queue.Take("b", Second, Second).Lease);

        (queue, var exhausted) = queue.Expire(2 * Second);
        Assert.Empty(exhausted);
        (queue, var second) = queue.Take("b", 2 * Second, Second);
        Assert.Equal(new Lease<string>(0, 2, "work"), second);

        (queue, var late) = queue.Complete(0);
        Assert.True(late);
        Assert.True(queue.IsComplete);
        (queue, var again) = queue.Complete(0);
        Assert.False(again);
        Assert.Equal(1, queue.Duplicates);
        Assert.Empty(queue.Expire(100 * Second).Exhausted);
    }

    [Fact]
    public void A_renewed_lease_does_not_expire()
    {
        var (queue, _) = LeaseQueue<int>.Of([7], maxAttempts: 1).Take("a", TimeSpan.Zero, Second);

        queue = queue.Renew("a", Second, Second);

        Assert.Empty(queue.Expire(1.5 * Second).Exhausted);
        Assert.Equal(new Exhausted(0, "no sign of life within its lease"), Assert.Single(queue.Expire(3 * Second).Exhausted));
    }

    [Fact]
    public void A_failure_of_an_attempt_that_no_longer_holds_the_lease_does_not_count()
    {
        var queue = LeaseQueue<int>.Of([7], maxAttempts: 2);
        (queue, _) = queue.Take("a", TimeSpan.Zero, Second);
        (queue, _) = queue.Release("a", "lost");
        (queue, _) = queue.Take("b", TimeSpan.Zero, Second);

        Assert.Null(queue.Fail(0, attempt: 1, "late").Exhausted);
        Assert.Equal(new Exhausted(0, "broke"), queue.Fail(0, attempt: 2, "broke").Exhausted);
    }

    [Property]
    public void All_work_is_counted_once_however_workers_come_and_go(int seed, byte count)
    {
        var random = new Random(seed);
        var queue = LeaseQueue<int>.Of(Enumerable.Range(0, count), int.MaxValue, id => id % 5 == 0);
        var held = new List<(string Worker, Lease<int> Lease)>();
        var accepted = new List<int>();
        var now = TimeSpan.Zero;
        for (var moves = 0; !queue.IsComplete; moves++)
        {
            Assert.True(moves < 100_000, "the queue came to a standstill");
            now += Second;
            var worker = $"w{random.Next(4)}";
            switch (random.Next(6))
            {
                case 0 when held.Count > 0:
                    // Also outcomes whose lease is long over.
                    var (_, done) = held[random.Next(held.Count)];
                    (queue, var first) = queue.Complete(done.Id);
                    if (first) accepted.Add(done.Id);
                    break;
                case 1:
                    (queue, _) = queue.Release(worker, "lost");
                    break;
                case 2:
                    (queue, _) = queue.Expire(now);
                    break;
                case 3 when random.Next(10) == 0:
                    queue = queue.Recall();
                    break;
                default:
                    (queue, var lease) = queue.Take(worker, now, random.Next(1, 20) * Second);
                    if (lease is not null) held.Add((worker, lease));
                    break;
            }
        }
        Assert.Equal(Enumerable.Range(0, count).Where(id => id % 5 != 0), accepted.Order());
    }
}
