using System.CommandLine;
using Tulu2.Evaluation.Generation;
using Tulu2.Evaluation.Shards;
using Tulu2.Files;
using Tulu2.Models.Inference;
using Tulu2.Runs.Launch;

namespace Tulu2.Cli.Commands;

/// <summary>Options that divide a model among several processes.</summary>
internal sealed class ShardFlags
{
    private readonly Option<int?> _tensor = CommandBuilder.Optional<int?>("--tensor",
        "Processes that hold the model between them, each a part; the results are the same for any number");

    private readonly Option<string[]> _servers = CommandBuilder.Repeated("--shard-server",
        "host:port of a `tulu2 shard` on another machine, which holds a part of the model; repeated for several");

    private readonly Option<string?> _key = CommandBuilder.Optional<string>("--shard-key-file", "File with the key of the shard servers");

    public Symbol[] Symbols => [_tensor, _servers, _key];

    /// <summary>Evaluators that score at a time: one for each processor, but one where each holds several processes.</summary>
    /// <param name="given">Null: the default.</param>
    /// <exception cref="BadInputException">Several for servers that each hold one shard.</exception>
    public static int Evaluators(Option option, int? given, ShardPlan plan) => (given, plan) switch
    {
        ( > 1, { IsRemote: true }) => throw new BadInputException(option.Name, $"is {given}, but a shard server works for one evaluator", "leave it out"),
        ({ } count, _) => count,
        (null, { Count: > 1 }) => 1,
        _ => Environment.ProcessorCount,
    };

    /// <summary>How a model is loaded in this process.</summary>
    /// <param name="say">Takes what is to be known of the others.</param>
    /// <exception cref="BadInputException">As <see cref="ShardPlan.Hosting"/>.</exception>
    public static ModelLoading Loading(ShardPlan plan, InferencePrecision precision, Action<string> say) =>
        new() { Precision = precision, Shards = plan.Count, Hosting = plan.Hosting(WorkerEntry.Shards(say)) };

    /// <exception cref="BadInputException">The values contradict each other, or are none.</exception>
    public ShardPlan Read(ParseResult parsed)
    {
        var (tensor, servers, key) = (CommandBuilder.AtLeast(1, parsed, _tensor), parsed.GetValue(_servers) ?? [], parsed.GetValue(_key));
        foreach (var server in servers) ShardAddress.Parse(_servers.Name, server);
        if (servers.Length == 0)
            return key is null ? new ShardPlan { Count = tensor ?? 1 } : throw new BadInputException(_key.Name, "is a key of servers, but none is named", $"name them with {_servers.Name}");
        if (tensor is { } count && count != servers.Length + 1)
            throw new BadInputException(_tensor.Name, $"is {count}, but {NumberText.Count(servers.Length, "shard server")} and this process are {servers.Length + 1}", "leave it out, or name as many servers");
        if (key is null) throw new BadInputException(_servers.Name, "needs the servers' key", $"give {_key.Name} FILE");
        _ = ShardPlan.ReadKey(key);
        return new ShardPlan { Count = servers.Length + 1, Servers = servers, KeyFile = Path.GetFullPath(key), IsOfCommand = true };
    }
}
