using Tulu2.Training.Hosting;

namespace Tulu2.Runs.Launch;

/// <summary>
/// How the launcher of a command started this process, which coordinates the run: <c>coordinator --adoption DIR --owner PID ROLE COMMAND …</c>. Not in the help.
/// </summary>
/// <param name="Folder">Where it finds the workers that an earlier one left, and its successor will find its own.</param>
/// <param name="Command">The command's arguments.</param>
internal sealed record LaunchedCoordinator(AdoptionFolder Folder, CoordinatorRole Role, string[] Command)
{
    private const string Name = "coordinator", MarkName = "training", RecipeName = "recipe";

    // Of an adoption folder on a command line.
    private const int FolderArguments = 4;

    private readonly TaskCompletionSource _turn = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when the run is a spare's to coordinate.</summary>
    public Task Turn => _turn.Task;

    /// <summary>The file that says that the run makes steps: a spare can find all that it needs now.</summary>
    public static string MarkOf(AdoptionFolder folder) => Path.Combine(folder.Path, MarkName);

    /// <summary>The recipe file as it was when the command began.</summary>
    public static string RecipeIn(AdoptionFolder folder) => Path.Combine(folder.Path, RecipeName);

    /// <summary>The arguments that start one.</summary>
    public static IEnumerable<string> Start(AdoptionFolder folder, CoordinatorRole role, IEnumerable<string> command) => [Name, .. folder.Arguments, $"{role}", .. command];

    /// <summary>Null: this process was started by a person.</summary>
    public static LaunchedCoordinator? Read(string[] arguments) =>
        arguments is [Name, .. var rest] && rest.Length > FolderArguments && AdoptionFolder.Read(rest.AsSpan(0, FolderArguments)) is { } folder
            && Enum.TryParse<CoordinatorRole>(rest[FolderArguments], out var role)
            ? new LaunchedCoordinator(folder, role, rest[(FolderArguments + 1)..])
            : null;

    /// <summary>It is not its turn yet: signals are the present coordinator's, and there is nothing to say.</summary>
    public bool IsWaiting => Role == CoordinatorRole.Spare && !Turn.IsCompleted;

    /// <summary>Says that the run makes steps.</summary>
    public void Mark()
    {
        // Without a launcher the folder may be gone.
        if (Folder.HasOwner) File.WriteAllText(MarkOf(Folder), "");
    }

    /// <summary>Deletes the folder at the end, if the launcher is gone, which else does.</summary>
    public void Tidy()
    {
        if (!Folder.HasOwner) Folder.Delete();
    }

    /// <summary>Listens, on a thread of its own, to the launcher, which says when it is this process's turn.</summary>
    /// <param name="turn">Called when it is, for a spare.</param>
    /// <param name="gone">Called when the launcher is gone.</param>
    public void Listen(Action turn, Action gone) => new Thread(() =>
    {
        using var launcher = Console.OpenStandardInput();
        while (launcher.ReadByte() >= 0)
        {
            _turn.TrySetResult();
            turn();
        }
        gone();
    })
    {
        IsBackground = true,
        Name = "launcher",
    }.Start();
}

internal enum CoordinatorRole
{
    /// <summary>It begins.</summary>
    First,

    /// <summary>An earlier one died.</summary>
    Successor,

    /// <summary>It gets ready, and takes over when the present one dies.</summary>
    Spare,
}
