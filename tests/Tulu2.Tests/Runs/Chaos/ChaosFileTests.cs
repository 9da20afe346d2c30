using FsCheck.Fluent;
using FsCheck.Xunit;
using Tulu2.Files;
using Tulu2.Runs.Chaos;
using Xunit;

namespace Tulu2.Tests.Runs.Chaos;

/// <summary>Fault files: what they say in YAML is what <see cref="Faults"/> says in C#, and what makes no sense is refused with its line.</summary>
public sealed class ChaosFileTests
{
    [Fact]
    public void A_file_says_what_the_same_words_say()
    {
        var read = ChaosFile.Parse("f.yaml", """
            faults:
              - { kill: worker, every: 4s }
              - { kill: coordinator, at: 20 }
              - { kill: worker, during: recovery }
              - { terminate: node, every: 10, times: 5 }
              - { stop: worker, for: 2s, every: 1.5s }
              - { slow: worker, for: 10s, share: 0.25, at: 40 }
              - { kill: launcher, at: 3 }
            """);
        Assert.Equal(
            [
                Faults.Kill(ChaosRole.Worker).Every(4), Faults.Kill(ChaosRole.Coordinator).AtStep(20), Faults.Kill(ChaosRole.Worker).DuringRecovery(),
                Faults.Terminate(ChaosRole.Node).Every(10, times: 5), Faults.Stop(ChaosRole.Worker, 2).Every(1.5), Faults.Slow(ChaosRole.Worker, 10, 0.25).AtStep(40),
                Faults.Kill(ChaosRole.Launcher).AtStep(3),
            ], read);
    }

    [Theory]
    [InlineData("", "f.yaml", "has no list of faults")]
    [InlineData("faults: []", "f.yaml", "has no list of faults")]
    [InlineData("faults:\n  - kill", "f.yaml:2: a fault", "is no rule")]
    [InlineData("faults:\n  - { kill: worker, evry: 4s }", "f.yaml:2: evry", "there is no such key")]
    [InlineData("faults:\n  - { every: 4s }", "f.yaml:2: a fault", "says nothing that is done")]
    [InlineData("faults:\n  - { kill: worker, stop: worker, every: 4s }", "f.yaml:2: a fault", "says more than one thing that is done")]
    [InlineData("faults:\n  - { kill: worker, every: 1s }\n  - { kill: wurker, every: 4s }", "f.yaml:3: kill", "there is no role 'wurker'")]
    [InlineData("faults:\n  - { kill: 1, every: 4s }", "f.yaml:2: kill", "there is no role '1'")]
    [InlineData("faults:\n  - { kill: worker }", "f.yaml:2: a fault", "says not when it happens")]
    [InlineData("faults:\n  - { kill: worker, at: 3, every: 4s }", "f.yaml:2: a fault", "says more than once when it happens")]
    [InlineData("faults:\n  - { kill: worker, at: 0 }", "f.yaml:2: at", "'0' is no whole number above 0")]
    [InlineData("faults:\n  - { kill: worker, every: soon }", "f.yaml:2: every", "'soon' is no time")]
    [InlineData("faults:\n  - { kill: worker, during: lunch }", "f.yaml:2: during", "there is no 'lunch'")]
    [InlineData("faults:\n  - { stop: worker, every: 4s }", "f.yaml:2: for", "is missing")]
    [InlineData("faults:\n  - { kill: worker, every: 4s, for: 2s }", "f.yaml:2: for", "makes no sense here")]
    [InlineData("faults:\n  - { slow: worker, every: 4s, for: 2s, share: 1 }", "f.yaml:2: share", "'1' is not between 0 and 1")]
    [InlineData("faults:\n  - { stop: launcher, for: 2s, every: 4s }", "f.yaml:2: stop", "the launcher can be killed only")]
    [InlineData("faults:\n  - { terminate: coordinator, every: 4s }", "f.yaml:2: terminate", "a coordinator that is told to end ends the run")]
    [InlineData("faults: [", "f.yaml:2", "is not YAML from column")]
    public void What_makes_no_sense_is_refused_with_its_line_and_a_mend(string text, string where, string what)
    {
        var refused = Assert.Throws<BadInputException>(() => ChaosFile.Parse("f.yaml", text));
        Assert.Equal(where, refused.Where);
        Assert.StartsWith(what, refused.What);
        Assert.NotEmpty(refused.Fix);
    }

    [Fact]
    public void What_did_not_happen_is_missed_and_a_run_without_a_fault_misses_everything()
    {
        var schedule = new ChaosSchedule([Faults.Kill(ChaosRole.Worker).Every(5), Faults.Kill(ChaosRole.Coordinator).AtStep(3)], 1);
        Assert.Equal(["kill worker every 5 s", "kill coordinator at step 3"], schedule.Missed);
        Assert.Null(schedule.Due(1, 0, double.NegativeInfinity));
        var index = schedule.Due(2, 3, 1.9)!.Value;
        schedule.Postpone(index, 2);
        Assert.Null(schedule.Due(2.05, 3, 1.9));
        Assert.Equal(index, schedule.Due(2.2, 4, 2.15));
        schedule.Happened(index, 2.2);
        Assert.Empty(schedule.Missed);
        Assert.False(new ChaosVerdict(new ChaosOutcome(0, "hash", [], ["kill worker every 5 s"], 0, 1, null, ""), "hash").Holds);
    }

    [Property(MaxTest = 200)]
    public FsCheck.Property Between_two_faults_a_step_is_committed_but_in_recoveries_and_no_rule_happens_too_often() => Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed =>
    {
        var random = new Random(seed);
        ChaosFault[] rules =
        [
            Faults.Kill(ChaosRole.Worker).Every(0.5), Faults.Stop(ChaosRole.Node, 1).Every(1, times: 3), Faults.Kill(ChaosRole.Coordinator).AtStep(7),
            Faults.Kill(ChaosRole.Worker).DuringRecovery(times: 4),
        ];
        var (schedule, happened) = (new ChaosSchedule(rules, seed), new List<(ChaosFault Fault, double At)>());
        var (step, committed, commits) = (0, double.NegativeInfinity, new List<double>());
        for (var now = 0.0; now < 60; now += 0.02)
        {
            if (random.Next(10) == 0)
            {
                (step, committed) = (step + 1, now);
                commits.Add(now);
            }
            // Where a process is not there, the rule is not used up.
            while (schedule.Due(now, step, committed) is { } index)
            {
                if (random.Next(4) == 0)
                {
                    schedule.Postpone(index, now);
                    continue;
                }
                schedule.Happened(index, now);
                happened.Add((schedule.Rule(index), now));
            }
        }
        var recoveries = happened.Where(fault => fault.Fault.When is ChaosMoment.DuringRecovery).ToList();
        bool Between(double first, double second) => commits.Exists(commit => commit > first && commit <= second);
        var others = happened.Select((fault, index) => (fault, index)).Where(one => one.index > 0 && one.fault.Fault.When is not ChaosMoment.DuringRecovery);
        return rules.All(rule => happened.Count(fault => fault.Fault == rule) <= rule.Times) && happened.Count > 20 && happened.Count(fault => fault.Fault == rules[2]) == 1
            && others.All(one => Between(happened[one.index - 1].At, one.fault.At))
            && recoveries.TrueForAll(fault => happened.Exists(before => before.At < fault.At && before.At >= fault.At - 1 && !Between(before.At, fault.At)));
    });
}
