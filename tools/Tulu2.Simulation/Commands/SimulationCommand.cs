using System.Diagnostics;
using System.Globalization;
using Tulu2.Simulation.Model;
using Tulu2.Simulation.Schedules;

namespace Tulu2.Simulation.Commands;

/// <summary>The command line of the simulation. Exit code 0: all as it should be; 1: an invariant broke, or an error in the protocol broke none; 2: bad usage.</summary>
internal static class SimulationCommand
{
    public static int Run(IReadOnlyList<string> arguments, TextWriter output, TextWriter errors)
    {
        try
        {
            var options = SimulationOptions.Of(arguments);
            if (options.Goodput)
            {
                Tell(options, output);
                return 0;
            }
            if (options.AllMutations) return Catch(options, output) ? 0 : 1;
            return Explore(options, output) ? 0 : 1;
        }
        catch (ArgumentException bad)
        {
            errors.WriteLine($"{bad.Message}\nfix:\n{SimulationOptions.Usage}");
            return 2;
        }
    }

    // Schedules of the protocol as it is, or with one error: a violation is told with the command that shows it.
    private static bool Explore(SimulationOptions options, TextWriter output)
    {
        var mutation = options.Mutation is { } name ? Mutations.Named(name) : Mutation.None;
        var (began, total, failed) = (Stopwatch.StartNew(), default(ScheduleOutcome), 0);
        for (var number = 0; number < options.Schedules; number++)
        {
            var outcome = Schedule.Run(options.Seed + number, mutation, options.Traces ? output.WriteLine : null);
            total = total is null ? outcome : total.And(outcome);
            if (outcome.Violation is not { } violation) continue;
            failed++;
            output.WriteLine($"seed {outcome.Seed}: {violation}\n  {outcome.Command(mutation)}");
        }
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{options.Schedules} schedules, {failed} with a violation: {total!.Events} events ({total.Events / began.Elapsed.TotalSeconds:0} a second), {total.Faults} faults, "
            + $"{total.Generations} generations, {total.Commits} commits, {total.Replayed} of them replayed"));
        return failed == 0;
    }

    private static void Tell(SimulationOptions options, TextWriter output)
    {
        output.WriteLine("ranks  failures a day  standby  goodput  steps replayed  messages a step  bytes a step  coordinator's time a step");
        foreach (var ranks in options.Ranks is { } one ? [one] : new[] { 8, 64, 512 })
            foreach (var (failures, standby) in new[] { (0.0, true), (24.0, true), (240.0, true), (24.0, false), (240.0, false) })
            {
                var study = GoodputStudy.Run(ranks, failures, steps: 400, standby, options.Seed);
                output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{ranks,5}  {failures,14:0}  {(standby ? "on" : "off"),7}  {study.Share,7:0.0%}  {study.Replayed,14}  {study.Messages,15:0}  {study.Bytes,12:0}  {study.Busy.TotalMilliseconds,22:0.0} ms"));
            }
    }

    private static bool Catch(SimulationOptions options, TextWriter output)
    {
        var missed = 0;
        foreach (var mutation in Mutations.All)
        {
            var caught = Schedule.Catch(mutation, options.Seed, options.Schedules);
            if (caught is null) missed++;
            output.WriteLine(caught is null ? $"NOT CAUGHT  {mutation.Name}" : $"caught      {mutation.Name}: seed {caught.Seed}, {caught.Violation}");
        }
        return missed == 0;
    }
}
