using System.Diagnostics;
using Tulu2.Training.Hosting;
using Xunit;

namespace Tulu2.Tests.Training.Processes;

/// <summary>Workers wait for a successor of their node's process where one may come, and nowhere else.</summary>
public sealed class AdoptionTests : IDisposable
{
    private readonly OwnAdoptionFolder _own = OwnAdoptionFolder.Create();

    private AdoptionFolder Folder => _own.Folder;

    public void Dispose() => _own.Dispose();

    [Fact]
    public void A_worker_whose_owner_is_gone_does_not_wait_and_leaves_no_folder()
    {
        using var owner = Process.Start("true");
        owner.WaitForExit();
        var folder = Folder with { Owner = owner.Id };
        var adoption = Adoption.TryCreate(folder)!;
        Assert.Null(adoption.Await());
        Assert.False(Directory.Exists(folder.Path));
    }

    [Fact]
    public void Without_a_usable_folder_a_worker_ends_with_its_node()
    {
        var file = Path.Combine(Folder.Path, "file");
        File.WriteAllText(file, "");
        Assert.Null(Adoption.TryCreate(Folder with { Path = Path.Combine(file, "below") }));
    }

    [Fact]
    public void A_process_that_has_the_number_of_a_worker_that_ended_is_left_alone()
    {
        using var stranger = Process.Start("sleep", "60");
        File.WriteAllText(Folder.MarkOf(stranger.Id), "1");
        Assert.Empty(Orphans.Find(Folder));
        Assert.False(stranger.HasExited);
        Assert.False(File.Exists(Folder.MarkOf(stranger.Id)));
        // One that has its mark and does not answer, as a worker that is stopped, is ended.
        File.WriteAllText(Folder.MarkOf(stranger.Id), WorkerHandle.StartOf(stranger.Id));
        Assert.Empty(Orphans.Find(Folder));
        Assert.True(stranger.WaitForExit(TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public void A_folder_that_was_deleted_is_made_again_and_its_files_are_kept_young()
    {
        Directory.Delete(Folder.Path, recursive: true);
        Folder.Touch();
        var mark = Folder.MarkOf(17);
        File.WriteAllText(mark, "");
        File.SetLastWriteTimeUtc(mark, DateTime.UtcNow.AddDays(-20));
        Folder.Touch();
        Assert.True(File.GetLastWriteTimeUtc(mark) > DateTime.UtcNow.AddHours(-1));
    }

    [Theory]
    [InlineData("--adoption", "/tmp/x", "--owner", "17")]
    [InlineData("--adoption", "/tmp/x", "--owner", "x")]
    [InlineData]
    public void A_folder_on_a_command_line_is_read_as_it_was_written(params string[] words)
    {
        var read = AdoptionFolder.Read(words);
        Assert.Equal(words is [.., "17"] ? words : null, read?.Arguments);
    }
}
