using Tulu2.Models.Torch;
using Xunit;
using static TorchSharp.torch;

namespace Tulu2.Tests.Models;

public class TorchRuntimeTests
{
    [Fact]
    public void The_version_that_is_told_without_loading_libtorch_is_the_one_that_is_loaded() =>
        Assert.StartsWith($"libtorch {__version__}, ", TorchRuntime.Facts, StringComparison.Ordinal);
}
