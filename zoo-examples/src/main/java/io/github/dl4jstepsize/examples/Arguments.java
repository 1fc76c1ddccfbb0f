package io.github.dl4jstepsize.examples;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Checks of numbers on the command line. */
final class Arguments {

    private Arguments() {
    }

    static int positive(CommandSpec spec, String option, int value) {
        if (value < 1) {
            throw new ParameterException(spec.commandLine(), option + " has to be 1 or greater, but is " + value);
        }
        return value;
    }
}
