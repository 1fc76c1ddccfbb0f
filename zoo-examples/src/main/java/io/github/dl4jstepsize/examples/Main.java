package io.github.dl4jstepsize.examples;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParseResult;

import java.util.Arrays;
import java.util.stream.Stream;

/** The command line of the examples. */
@Command(name = "zoo-examples/run", mixinStandardHelpOptions = true, version = "dl4j-stepsize 0.1.0-SNAPSHOT",
        description = "Trains networks of Deeplearning4j without a learning rate. Without a command: train.",
        subcommands = {Train.class, Compare.class, Landscape.class, Retrain.class,
            IllConditionedCommand.class, Overhead.class, CommandLine.HelpCommand.class},
        footer = {"",
            "The embedded digits are the UCI data set Optical Recognition of Handwritten Digits by E. Alpaydin and "
                + "C. Kaynak (1998), licence CC BY 4.0."})
public final class Main {

    private Main() {
    }

    public static void main(String[] arguments) {
        System.exit(run(arguments));
    }

    /** @return 0 if all went well, 2 if the arguments cannot be read, 1 if anything else is wrong that a user can mend */
    static int run(String... arguments) {
        CommandLine commandLine = new CommandLine(new Main())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setExecutionExceptionHandler(Main::explain);
        boolean forTrain = arguments.length == 0 || arguments[0].startsWith("-") && !isGeneral(arguments[0]);
        return commandLine.execute(forTrain
                ? Stream.concat(Stream.of("train"), Arrays.stream(arguments)).toArray(String[]::new) : arguments);
    }

    private static boolean isGeneral(String option) {
        return new CommandLine(new Main()).getCommandSpec().optionsMap().containsKey(option);
    }

    private static int explain(Exception exception, CommandLine commandLine, ParseResult parsed) throws Exception {
        if (exception instanceof InputException) {
            commandLine.getErr().println(commandLine.getColorScheme().errorText("Error: " + exception.getMessage()));
            return CommandLine.ExitCode.SOFTWARE;
        }
        throw exception;
    }
}
