using System.Globalization;

namespace Tulu2.Simulation.Commands;

/// <summary>What the command line asks for.</summary>
internal sealed record SimulationOptions
{
    public const string Usage = """
        dotnet run -c Release --project tools/Tulu2.Simulation -- [options]

          --seed N          the first schedule's seed (1)
          --schedules K     so many schedules with the seeds from N on (1000)
          --trace           what happens, with its virtual time
          --mutation NAME   with this error in the protocol
          --mutations       with each error in turn, until it is caught
          --goodput         modelled times of a large run in place of schedules: goodput against failure rate, the coordinator's messages and bytes
          --ranks R         for --goodput: 8, 64 and 512 without it
        """;

    public int Seed { get; private init; } = 1;
    public int Schedules { get; private init; } = 1000;
    public bool Traces { get; private init; }
    public string? Mutation { get; private init; }
    public bool AllMutations { get; private init; }
    public bool Goodput { get; private init; }
    public int? Ranks { get; private init; }

    /// <exception cref="ArgumentException">An option is unknown, or its value is missing or no number.</exception>
    public static SimulationOptions Of(IReadOnlyList<string> arguments)
    {
        var options = new SimulationOptions();
        for (var index = 0; index < arguments.Count; index++)
        {
            var name = arguments[index];
            options = name switch
            {
                "--seed" => options with { Seed = Number(1) },
                "--schedules" => options with { Schedules = Number(1) },
                "--ranks" => options with { Ranks = Number(1) },
                "--mutation" => options with { Mutation = Value() },
                "--trace" => options with { Traces = true },
                "--mutations" => options with { AllMutations = true },
                "--goodput" => options with { Goodput = true },
                _ => throw new ArgumentException($"there is no option {name}"),
            };

            string Value() => ++index < arguments.Count ? arguments[index] : throw new ArgumentException($"{name} needs a value");

            int Number(int least) => int.TryParse(Value(), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least
                ? number
                : throw new ArgumentException($"{name} needs a number, at least {least}");
        }
        return options;
    }
}
