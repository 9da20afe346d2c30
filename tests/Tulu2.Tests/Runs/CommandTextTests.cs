using Tulu2.Runs.Output;
using Xunit;

namespace Tulu2.Tests.Runs;

public class CommandTextTests
{
    [Fact]
    public void A_message_names_the_command_that_works()
    {
        Assert.Equal("tulu2 train 'my recipe.yaml' --run runs/a --set 'data.train=[a, b]'", CommandText.Of(CommandText.WithoutBeginning(
            ["train", "my recipe.yaml", "--resume", "--run", "runs/a", "--change", "steps=4", "--set", "data.train=[a, b]", "--resume", "auto", "--change=steps=5", "--resume=true"])));
    }
}
