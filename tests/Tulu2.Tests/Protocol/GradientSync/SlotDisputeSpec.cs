using FsCheck.Fluent;
using FsCheck.Xunit;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Ids;
using Xunit;

namespace Tulu2.Tests.Protocol.GradientSync;

/// <summary>Who is taken to have computed wrongly, by what all replicas came to.</summary>
public class SlotDisputeSpec
{
    [Property(MaxTest = 300)]
    public FsCheck.Property Fewer_than_half_of_the_ranks_of_a_part_are_named_whatever_they_say() => Prop.ForAll(
        Gen.Choose(0, int.MaxValue).ToArbitrary(), seed =>
        {
            var random = new Random(seed);
            var (replicas, parts) = (random.Next(3, 8), random.Next(1, 4));
            var (heard, wrong) = (new List<SlotTestimony>(), new SortedSet<int>());
            for (var part = 0; part < parts; part++)
            {
                var faulty = Enumerable.Range(0, replicas).OrderBy(_ => random.Next()).Take(random.Next((replicas + 1) / 2)).ToHashSet();
                for (var replica = 0; replica < replicas; replica++)
                {
                    var rank = new Rank(replica * parts + part);
                    if (faulty.Contains(replica)) wrong.Add(rank);
                    // Wrong twice in the same way, in two ways, or once.
                    string[] hashes = !faulty.Contains(replica) ? ["right", "right"] : random.Next(3) switch { 0 => ["wrong", "wrong"], 1 => [$"{rank}", "other"], _ => ["right", "wrong"] };
                    heard.AddRange(hashes.Select(hash => new SlotTestimony(part, rank, "", hash)));
                }
            }
            var dispute = new SlotDispute(default, [.. heard.OrderBy(_ => random.Next())]);
            return dispute.Faulty() is { } named && named.Select(rank => rank.Value).SequenceEqual(wrong) && SlotDispute.IsAgreed(heard) == (wrong.Count == 0);
        });

    [Fact]
    public void Of_two_that_stay_with_their_results_neither_is_named_and_the_number_of_times_is_no_majority()
    {
        SlotTestimony one = new(0, new Rank(0), "", "a"), other = new(0, new Rank(1), "", "b");
        Assert.Null(new SlotDispute(default, [one, one, one, other]).Faulty());
        Assert.Equal(1, Assert.Single(new SlotDispute(default, [one, other, one, other with { Hash = "a" }]).Faulty()!.Value).Value);
    }
}
