package io.github.dl4jstepsize.examples;

import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** Progress bars. */
final class Progress {

    /** A bar in a log file is a line, so there they come less often. */
    private static final int MILLISECONDS = System.console() == null ? 10_000 : 200;

    private static final int WIDTH = 110;

    private Progress() {
    }

    static ProgressBar bar(String task, long steps, String unit) {
        return new ProgressBarBuilder().setTaskName(task).setInitialMax(steps).setUnit(unit, 1).showSpeed()
                .setStyle(ProgressBarStyle.ASCII).setUpdateIntervalMillis(MILLISECONDS)
                .setConsumer(new ConsoleProgressBarConsumer(System.err, WIDTH)).build();
    }
}
