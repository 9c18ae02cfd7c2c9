# Made r_survival.json: Rscript r_survival.R, in this folder.
library(survival); library(cmprsk); library(sandwich); library(jsonlite)
d <- read.csv("survival_spells.csv"); out <- list()
tail1 <- function(s, times=c(6,12,24,36)) { z <- summary(s, times=times, extend=TRUE); list(time=z$time, n.risk=z$n.risk, n.event=z$n.event, surv=z$surv, se=z$std.err, lower=z$lower, upper=z$upper) }
d$any <- as.integer(d$status > 0)
out$km_all <- tail1(survfit(Surv(entry, time, any) ~ 1, d, conf.type="log-log"))
for (k in 0:2) out[[paste0("km_",k)]] <- tail1(survfit(Surv(entry,time,any) ~ 1, d[d$group==k,], conf.type="log-log"))
d0 <- d[d$entry==0,]
d0$ev <- factor(d0$status, 0:2, c("censor","a","b"))
z <- summary(survfit(Surv(time, ev) ~ 1, d0), times=c(6,12,24,36))
out$aj <- list(time=z$time, a=z$pstate[,2], b=z$pstate[,3], se_a=z$std.err[,2], se_b=z$std.err[,3])
ci <- cuminc(d0$time, d0$status)
tp <- timepoints(ci, c(6,12,24,36)); out$cuminc <- list(est=tp$est, var=tp$var)
g <- cuminc(d0$time, d0$status, d0$group); out$gray <- g$Tests
g2 <- cuminc(d0$time, d0$status, d0$x); out$gray_x <- g2$Tests
out$gray_rho <- cuminc(d0$time, d0$status, d0$group, rho=1)$Tests
out$gray_strata <- cuminc(d0$time, d0$status, d0$group, d0$x)$Tests
# months of half a year, in which dozens leave at once
out$gray_half_years <- cuminc(ceiling(d0$time/6), d0$status, d0$group)$Tests
sd1 <- survdiff(Surv(time,any) ~ group, d0); out$logrank <- list(chisq=sd1$chisq, obs=sd1$obs, exp=sd1$exp, var=sd1$var)
sd2 <- survdiff(Surv(time,any) ~ group + strata(x), d0); out$logrank_strata <- list(chisq=sd2$chisq)
for (ti in c("efron","breslow")) {
 m <- coxph(Surv(entry,time,any) ~ x + factor(group) + cluster(cluster), d, ties=ti)
 out[[paste0("cox_",ti)]] <- list(coef=unname(coef(m)), naive=unname(sqrt(diag(m$naive.var))), robust=unname(sqrt(diag(m$var))), loglik=m$loglik)
}
m <- coxph(Surv(entry,time,any) ~ x + strata(group) + cluster(cluster), d, ties="efron")
out$cox_strata <- list(coef=unname(coef(m)), naive=sqrt(m$naive.var[1,1]), robust=sqrt(m$var[1,1]), loglik=m$loglik)
# person-month
pm <- do.call(rbind, lapply(seq_len(nrow(d)), function(i) { mm <- (d$entry[i]+1):d$time[i]; data.frame(month=mm, y=as.integer(mm==d$time[i] & d$any[i]==1), x=d$x[i], group=d$group[i], cluster=d$cluster[i]) }))
pm <- pm[pm$month<=36,]
m <- glm(y ~ x + factor(group) + factor(month) , binomial("cloglog"), pm, epsilon=1e-14, maxit=60)
V <- vcovCL(m, cluster=pm$cluster, type="HC0", cadjust=TRUE)
out$cloglog <- list(coef=unname(coef(m)[2:4]), naive=unname(sqrt(diag(vcov(m)))[2:4]), robust=unname(sqrt(diag(V))[2:4]), nobs=nrow(pm))
m <- glm(y ~ x + factor(cluster) + factor(month) , binomial("cloglog"), pm, epsilon=1e-14, maxit=60)
V <- vcovCL(m, cluster=pm$cluster, type="HC0", cadjust=TRUE)
out$cloglog_effects <- list(coef=unname(coef(m)[2]), naive=unname(sqrt(diag(vcov(m)))[2]), robust=unname(sqrt(diag(V))[2]))
s <- survfit(Surv(time,any) ~ 1, d0); z <- summary(s, rmean=36)$table; out$rmst <- list(mean=z[["rmean"]], se=z[["se(rmean)"]])
# Gray's test of two groups that are nearly alike and large: forty copies, and three more of 150 rows
n <- nrow(d0)
rows <- c(rep(seq_len(n), 40), rep(1:150, 3))
side <- c(rep(c(0, 1), each = 20 * n), rep(0, 450))
big <- d0[rows, ]
out$gray_alike <- cuminc(big$time, big$status, side)$Tests
out$versions <- list(R=R.version.string, survival=as.character(packageVersion("survival")), cmprsk=as.character(packageVersion("cmprsk")), sandwich=as.character(packageVersion("sandwich")))
writeLines(toJSON(out, digits=15, auto_unbox=TRUE, pretty=TRUE), "r_survival.json")
